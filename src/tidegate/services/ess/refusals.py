"""The errors of Auto Scaling, word for word (ess.md 12, 13.3). Call one to get the error to raise."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.errors import CloudError


@dataclass(frozen=True)
class Refusal:
    """One error of the cloud; ``%s`` in the message is filled with the names it is called with."""

    code: str
    message: str
    status: int = 400

    def __call__(self, *names: str) -> CloudError:
        """Return the error with the names filled in."""
        return CloudError(self.code, self.message % names, self.status)


# What does not exist (ess.md 12.3 to 12.6).
group_not_found = Refusal("InvalidScalingGroupId.NotFound", "The specified scaling group does not exist.", 404)
configuration_not_found = Refusal(
    "InvalidScalingConfigurationId.NotFound",
    "The specified scaling configuration does not exist.",
    404,
)
rule_not_found = Refusal("InvalidScalingRuleId.NotFound", "The specified scaling rule does not exist.", 404)
rule_ari_not_found = Refusal(
    "InvalidScalingRuleAri.NotFound",
    "The specified scaling rule Ari does not exist.",
    404,
)
#: ASSUMPTION on the words
task_not_found = Refusal("InvalidScheduledTaskId.NotFound", "The specified scheduled task does not exist.", 404)
#: ASSUMPTION on code and words
alarm_not_found = Refusal("InvalidAlarmTaskId.NotFound", "The specified alarm task does not exist.", 404)
region_not_found = Refusal("InvalidRegionId.NotFound", "The specified region does not exist.", 404)
instance_not_found = Refusal("InvalidInstanceId.NotFound", 'Instance "%s" does not exist.', 404)
vswitch_not_found = Refusal("InvalidVSwitchId.NotFound", "The specified virtual switch does not exist.", 404)
template_not_found = Refusal("LaunchTemplateSet.NotFound", "The specified launch template set is not found.")
template_version_not_found = Refusal(
    "LaunchTemplateVersionSet.NotFound", "The specific version of launch template is not exist."
)
template_version_number = Refusal(
    "TemplateVersion.NotNumber",
    'The input parameter "LaunchTemplateVersion" is supposed to be a string representing the version number.',
)
load_balancer_not_found = Refusal(
    "InvalidLoadBalancerId.NotFound",
    "The specified Load Balancer does not exist.",
    404,
)
database_not_found = Refusal("InvalidDBInstanceId.NotFound", 'DB instance "%s" does not exist.', 404)
load_balancer_region = Refusal(
    "InvalidLoadBalancerId.RegionMismatch",
    "The specified Load Balancer and the specified scaling group are not in the same Region.",
)
load_balancer_vpc = Refusal(
    "InvalidLoadBalancerId.VPCMismatch",
    "The specified virtual switch and the instance in specified Load Balancer are not in the same VPC.",
)
load_balancer_status = Refusal(
    "IncorrectLoadBalancerStatus",
    "The current status of the specified load balancer does not support this action.",
)
load_balancer_health_check = Refusal(
    "IncorrectLoadBalancerHealthCheck",
    "The current health check type of specified load balancer does not support this action.",
)
#: ASSUMPTION on code and words
vserver_group_not_found = Refusal("InvalidVServerGroupId.NotFound", 'The VServerGroup "%s" does not exist.', 404)
database_region = Refusal(
    "InvalidDBInstanceId.RegionMismatch",
    'DB instance "%s" and the specified scaling group are not in the same Region.',
)
database_status = Refusal(
    "IncorrectDBInstanceStatus", 'The current status of DB instance "%s" does not support this action.'
)
database_full = Refusal("QuotaExceeded.DBInstanceSecurityIP", 'Security IP quota exceeded in DB instance "%s".')
load_balancer_quota = Refusal("QuotaExceeded.LoadBalancer", 'LoadBalancer quota exceeded in the scaling group "%s".')
#: ASSUMPTION on code and words
server_group_quota = Refusal("QuotaExceeded.ServerGroup", '"%s" quota exceeded.')
database_quota = Refusal("QuotaExceeded.RDS", '"RDS" quota exceeded.')
server_group_not_found = Refusal("AlbServerGroup.NotExist", 'The ServerGroup "%s" do(es) not exist.')

# Instance refreshes. ASSUMPTION on the codes and words of all but the second.
refresh_not_found = Refusal(
    "InvalidInstanceRefreshTaskId.NotFound", "The specified instance refresh task does not exist.", 404
)
nothing_to_refresh = Refusal(
    "InvalidInstance.NoInstanceNeedBeRefreshed", "There is no instance that needs to be refreshed in the scaling group."
)
refresh_in_progress = Refusal(
    "InstanceRefreshTask.InProgress", "An instance refresh task is in progress in the specified scaling group."
)
refresh_status = Refusal(
    "IncorrectInstanceRefreshTaskStatus",
    "The current status of the specified instance refresh task does not support this action.",
)

# Values.
missing = Refusal(
    "MissingParameter",
    'The input parameter "%s" that is mandatory for processing this request is not supplied.',
)
invalid = Refusal("InvalidParameter", 'The specified value of parameter "%s" is not valid.')
conflict = Refusal("InvalidParameter.Conflict", "The value of parameter %s and parameter %s are conflict.")

# Names and quotas.
duplicate_group_name = Refusal(
    "InvalidScalingGroupName.Duplicate",
    "The specified value of parameter ScalingGroupName is duplicated.",
)
duplicate_configuration_name = Refusal(
    "InvalidScalingConfigurationName.Duplicate",
    "The specified value of parameter ScalingConfigurationName is duplicated.",
)
duplicate_rule_name = Refusal(
    "InvalidScalingRuleName.Duplicate",
    "The specified value of parameter ScalingRuleName is duplicated.",
)
group_quota = Refusal("QuotaExceeded.ScalingGroup", "Scaling group quota exceeded.")
configuration_quota = Refusal(
    "QuotaExceeded.ScalingConfiguration",
    "Scaling configuration quota exceeded in the specified scaling group.",
)
rule_quota = Refusal("QuotaExceeded.ScalingRule", "Scaling rule quota exceeded in the specified scaling group.")
duplicate_task_name = Refusal(
    "InvalidScheduledTaskName.Duplicate",
    "The specified value of parameter ScheduledTaskName is duplicated.",
)
task_quota = Refusal("QuotaExceeded.ScheduledTask", "Scheduled task quota exceeded.")
#: ASSUMPTION on code and words
alarm_quota = Refusal("QuotaExceeded.Alarm", "Alarm task quota exceeded.")
instance_quota = Refusal("QuotaExceeded.ScalingInstance", "Scaling instance quota exceeded.")

unsupported_metric = Refusal(
    "TargetTrackingScalingRule.UnsupportedMetric",
    "Specific metric is not supported for target tracking scaling rule.",
)
#: sic
tracked_twice = Refusal(
    "TargetTrackingScalingRule.DumplicateMetric",
    "Only one TargetTracking scaling rule for a given metric specification is allowed.",
)
#: ASSUMPTION on code and words
predicted_twice = Refusal(
    "PredictiveScalingRule.Duplicate", "Only one Predictive scaling rule for a scaling group is allowed."
)
#: rules that nobody may execute by hand (ess.md 5.1)
rule_type = Refusal("ScalingRule.InvalidScalingRuleType", "Specific scaling rule type: %s can not be executed.")

# States and capacity.
group_status = Refusal(
    "IncorrectScalingGroupStatus",
    "The current status of the specified scaling group does not support this action.",
)
activity_in_progress = Refusal(
    "ScalingActivityInProgress",
    "You cannot delete a scaling group or launch a new scaling activity while there is a scaling activity in "
    "progress for the specified scaling group.",
)
#: only for alarm tasks (ess.md 5.6); ASSUMPTION on the code, which nobody sees
cooling_down = Refusal(
    "ScalingActivityCooldown", "You cannot launch a new scaling activity during the cooldown period."
)
#: ASSUMPTION on the code (ess.md 2.6)
operation_denied = Refusal(
    "OperationDenied",
    "This operation is denied because the specified scaling group does not support this action.",
)
#: ASSUMPTION on the code and the words
deletion_protected = Refusal(
    "OperationDenied.DeletionProtection",
    "The operation is denied because deletion protection is enabled for the specified scaling group.",
)
instance_in_use = Refusal(
    "InstanceInUse",
    "You cannot delete a scaling configuration or scaling group while there is an instance associated with it.",
)
no_source = Refusal(
    "MissingActiveScalingConfiguration",
    "An active scaling configuration for the specified scaling group is not supplied.",
)
no_change = Refusal(
    "IncorrectCapacity.NoChange",
    "To execute the specified scaling rule, the total capacity will not change.",
)
no_stock = Refusal(
    "ResourceNotAvailable.ECS",
    "The specified region or zone does not offer the specified disk or instance category.",
)
above_max = Refusal(
    "IncorrectCapacity.MaxSize",
    "To attach the instances, the total capacity will be greater than the MaxSize.",
)
#: EnableScalingGroup words it so (ess.md 12.3)
above_max_on_enable = Refusal(
    "IncorrectCapacity.MaxSize",
    "To attach the instances, the total capacity will be greater than the max size.",
)
below_min = Refusal(
    "IncorrectCapacity.MinSize",
    "To remove the instances, the total capacity will be lesser than the MinSize.",
)

# Instances that cannot be attached, moved or removed (ess.md 12.6).
instance_status = Refusal(
    "IncorrectInstanceStatus",
    'The current status of instance "%s" does not support this action.',
)
instance_in_other_group = Refusal(
    "InvalidInstanceId.InUse",
    'Instance "%s" is already attached to another scaling group.',
)
instance_vpc = Refusal(
    "InvalidInstanceId.VPCMismatch",
    'Instance "%s" and the specified scaling group are not in the same VPC.',
)
remove_policy = Refusal("InvalidParameter", "The specified group does not support the specified RemovePolicy.")

# Rules and configurations (ess.md 12.4, 12.5).
magnitude_mismatch = Refusal(
    "InvalidMinAdjustmentMagnitudeMismatchAdjustmentType",
    "MinAdjustmentMagnitude is not supported by the specified adjustment type.",
)
too_many_steps = Refusal("InvalidStepAdjustments.MaxNum", "Your scaling rule can have at most %s StepAdjustments.")
unbounded_step = Refusal(
    "InvalidStepAdjustments.BothNull",
    "Both lower and upper bounds of a StepAdjustment can not be left unspecified.",
)
step_out_of_range = Refusal("StepBeyondPermitRange", 'Specific parameter "%s" beyond permit range.')
step_upside_down = Refusal(
    "InvalidStepAdjustments.LowerGtUpper",
    "LowerBound must be less than the UpperBound for StepAdjustment :%s.",
)
several_open_tops = Refusal(
    "InvalidStepAdjustments.MultipleNullUpperBound",
    "At most one StepAdjustment may have an unspecified upper bound.",
)
several_open_bottoms = Refusal(
    "InvalidStepAdjustments.MultipleNullLowerBound",
    "At most one StepAdjustment may have an unspecified lower bound.",
)
steps_overlap = Refusal("InvalidStepAdjustments.Overlap", "StepAdjustment intervals can not overlap.")
gap_between_steps = Refusal(
    "InvalidStepAdjustments.Gap",
    "StepAdjustment intervals can not have gaps between them.",
)
no_open_bottom = Refusal(
    "InvalidStepAdjustments.NoNullLowerBound",
    "There must be a StepAdjustment with an unspecified lower bound when one StepAdjustment has a negative lower bound.",
)
no_open_top = Refusal(
    "InvalidStepAdjustments.NoNullUpperBound",
    "There must be a StepAdjustment with an unspecified upper bound when one StepAdjustment has a positive upper bound.",
)
no_step = Refusal("InvalidStepAdjustments.NoStepFound", "No adjustment step found for a metric value of: %s.")
metric_missing = Refusal("MissingParameter.MetricValue", "Metric value must be specified for StepScalingRule.")
threshold_missing = Refusal(
    "MissingParameter.BreachThreshold",
    "Breach threshold must be specified for StepScalingRule.",
)
metric_out_of_range = Refusal("MetricValueBeyondPermitRange", 'Specific parameter "MetricValue" beyond permit range.')
threshold_out_of_range = Refusal(
    "BreachThresholdBeyondPermitRange",
    'Specific parameter "BreachThreshold" beyond permit range.',
)
task_region = Refusal(
    "ScheduledAction.RegionMismatch",
    "The specified scheduled task and the specified scheduled action are not in the same Region.",
)
configuration_active = Refusal(
    "IncorrectScalingConfigurationLifecycleState",
    "The current lifecycle state of specified scaling configuration does not support this action.",
)
image_not_found = Refusal("InvalidImageId.NotFound", "The specified image does not exist.", 404)
key_pair_not_found = Refusal(
    "InvalidKeyPairName.NotFound",
    "The specified KeyPairName does not exist in our records.",
)
user_data_encoding = Refusal(
    "InvalidUserData.Base64FormatInvalid",
    "The specified parameter UserData must be base64 encoded.",
)
user_data_size = Refusal("InvalidUserData.SizeExceeded", "The specified parameter UserData exceeds the size.")
empty_tag = Refusal("InvalidTags.KeyValue", "The specified tags key/value cannot be empty.")
too_many_tags = Refusal("InvalidTags.ListSize", 'The specified tags list size cannot be more than "20".')

# Lifecycle hooks (ess.md 12.1): the pages spell the first code so, and in two wordings.
#: Create, Modify, Describe, Heartbeat
hook_parameter = Refusal("InvalidParamter", "The specified value of parameter is not valid.")
#: Delete, Complete
hook_parameter_of_end = Refusal("InvalidParamter", "The specified value of parameter is invalid.")
notification_arn = Refusal("InvalidNotificationArn", "The specified parameter notificationArn is invalid.")
#: on Modify the page has another code, taken for a slip (ess.md 12.1, ASSUMPTION)
queue_not_found = Refusal("QueueNotExist", "The specified queue does not exist.")
topic_not_found = Refusal("TopicNotExist", "The specified topic does not exist.")

# Event notifications (ess.md 10).
#: ASSUMPTION: the page's "queuename" and "topicname" stand for the name
receiver_queue = Refusal("QueueNotExist", "The specified queue %s does not exist.")
receiver_topic = Refusal("TopicNotExist", "The specified topic %s does not exist.")
notification_types = Refusal("InvalidNotificationTypes", "The specified notificationType is invalid.")
notification_exists = Refusal(
    "NotificationConfigurationExist",
    "The specified notificationConfiguration already exist for the scalingGroup.",
)
notification_quota = Refusal(
    "NotificationConfigurationQuotaExceed.ForScalingGroup",
    "NotificationConfiguration num exceed for the specified scalingGroup.",
)
notification_not_found = Refusal(
    "NotificationConfigurationNotExist",
    "The specified notificationConfiguration not exist for the scalingGroup.",
)
duplicate_hook_name = Refusal(
    "InvalidLifecycleHookName.Duplicate",
    "The specified value of parameter lifecycleHookName is duplicated.",
)
hook_quota = Refusal("QuotaExceeded.LifecycleHook", "Lifecycle hook quota exceeded in the specified scaling group.")
hook_id_not_found_to_modify = Refusal("InvalidLifecycleHookId.NotExist", "The specified lifecycleHookId not exist.")
hook_name_not_found_to_modify = Refusal(
    "InvalidLifecycleHookName.NotExist",
    "The specified lifecycleHookName you provided not exist.",
)
hook_id_not_found_to_delete = Refusal(
    "InvalidLifecycleHookId.NotExist",
    "The specified lifecycleHookId does not exist.",
)
hook_name_not_found_to_delete = Refusal(
    "InvalidLifecycleHookName.NotExist",
    "The specified lifecycleHookName you provided does not exist.",
)
action_token = Refusal(
    "LifecycleHookIdAndLifecycleActionToken.Invalid",
    "The specified lifecycleActionToken and lifecycleHookId you provided does not match any in process "
    "lifecycle action.",
)
wait_too_long = Refusal(
    "LifecycleAction.TimeExceeded",
    "The specified parameter heartbeatTime exceed lifecycleAction max suspend time.",
)
too_many_heartbeats = Refusal(
    "LifecycleAction.RecordTimesExceeded",
    "The specified lifecycleAction exceed lifecycleAction max record times.",
)


def template_lacks(name: str) -> CloudError:
    """Return the refusal of a launch template without an image, instance types or a security group (ess.md 12.3)."""
    return CloudError(f"TemplateMissingParameter.{name}", missing(name).message)


def role_lacks_right(_action: str, _resource: str) -> CloudError:
    """Return the denial of ESS, for callers as for its own role (A23: one switch; ram.md 12 prefers ``Forbidden.RAM``)."""
    return CloudError(
        "Forbidden.Unauthorized", "A required authorization for the specified action is not supplied.", 403
    )
