"""Quotas and sizes of Auto Scaling, each with the page that states it."""

from __future__ import annotations

from datetime import timedelta

# Quotas (ess.md 11), reported by DescribeLimitation.
GROUPS_PER_REGION = 50
CONFIGURATIONS_PER_GROUP = 10
RULES_PER_GROUP = 50
HOOKS_PER_GROUP = 10  # ASSUMPTION A7: 10 as on the newest page; older ones say 6 and 8
INSTANCES_PER_REGION = 1000
SIZE_OF_GROUP = 2000
SCHEDULED_TASKS_PER_REGION = 20
NOTIFICATIONS_PER_GROUP = 6
LOAD_BALANCERS_PER_GROUP = 5
SERVER_GROUPS_PER_GROUP = 5
DATABASES_PER_GROUP = 5
VSWITCHES_PER_GROUP = 5
#: how long an activity goes on asking a load balancer that is being configured (ASSUMPTION)
BUSY_PATIENCE = timedelta(seconds=60)
#: no listener lets servers finish for longer (ConnectionDrainTimeout is 900 at most)
LONGEST_DRAIN = timedelta(seconds=960)
#: members are not judged by load balancers before they have had this long to be found well (ASSUMPTION)
BALANCER_GRACE = timedelta(seconds=60)
REMOVAL_POLICIES = 3
INSTANCE_TYPES_PER_CONFIGURATION = 10
TAGS_PER_CONFIGURATION = 20
TAGS_PER_GROUP = 20  # ASSUMPTION: as for configurations
OVERRIDES = 10  # LaunchTemplateOverride.N, ess.md 2.2
OVERRIDE_WEIGHT = (1, 500)
INSTANCES_PER_RENEWAL = 20  # ess.md 12.6, RebalanceInstances
INSTANCES_PER_CALL = 20  # ess.md 3.5
INSTANCES_PER_ADJUSTMENT = 1000  # ess.md 5.2
#: ASSUMPTION (ess.md 3.2): one wait covers all instances of an activity up to this number; more wait in several. It is
#: what ECS launches and describes in one call, so that a runbook can look at all instances it is given.
INSTANCES_PER_WAIT = 100

REPORTS_PER_GROUP = 50  # ASSUMPTION: older diagnoses are forgotten

# Instance refreshes (ess.md 12.9).
MIN_HEALTHY = (0, 100)
MAX_HEALTHY = (100, 200)
CHECKPOINT_PAUSE = (1, 2880)

STEPS_PER_RULE = 20  # ASSUMPTION (ess.md 5.3)

# Values (ess.md 2.2, 5.2, 12.4, 12.5).
COOLDOWN = 86400
DEFAULT_COOLDOWN = 300
WARMUP = 86400
DEFAULT_WARMUP = 300
LARGEST_METRIC = 9.999999e18
QUANTITY = (-1000, 1000)
PERCENT = (-100, 10000)
TOTAL = (0, 2000)
STOP_TIMEOUT = (30, 240)
SHORTEST_LIFETIME = 86400
LOAD_BALANCER_WEIGHT = (1, 100)
DEFAULT_LOAD_BALANCER_WEIGHT = 50
USER_DATA_BYTES = 16 * 1024
NAME = (2, 64)

# Lifecycle hooks (ess.md 3.6, 3.10).
HEARTBEAT_TIMEOUT = (30, 21600)
DEFAULT_HEARTBEAT_TIMEOUT = 600
LONGEST_WAIT = timedelta(seconds=21600)
HEARTBEATS = 20
METADATA = 4096

# Scheduled tasks (ess.md 9.1).
LAUNCH_AHEAD = timedelta(days=90)
RECURRENCE_AHEAD = timedelta(days=365)
LAUNCH_EXPIRATION = (0, 21600)
DEFAULT_LAUNCH_EXPIRATION = 600
DESCRIPTION = 200
#: Receivers are told daily that a task expires, in so many last days (ess.md 10).
EXPIRY_DAYS = 7
DAY = timedelta(days=1)

# Alarm tasks (ess.md 9.2). ASSUMPTION on all but the defaults.
ALARMS = 200
ALARM_ACTIONS = 5
EXPRESSIONS = 10
EVALUATIONS = (1, 60)
DEFAULT_EVALUATIONS = 3
DEFAULT_PERIOD = 300

# Reading (ess.md 13.2).
PAGE = 50
INSTANCE_PAGE = 100
NAMED_OBJECTS = 20  # ScalingGroupId.N, ScalingActivityId.N, InstanceId.N
NAMED_RULES = 10  # ScalingRuleId.N, ScalingConfigurationId.N

#: Activities are kept this long (ess.md 6.1).
HISTORY = timedelta(days=30)
#: How long a new instance may take until it runs. ASSUMPTION: the vendor names no limit.
BOOT = timedelta(minutes=10)
#: A group whose automatic activities failed for so long has them suspended (ess.md 2.3).
SYSTEM_SUSPENSION = timedelta(days=30)
#: The pause after a failed automatic activity (ess.md 2.3, ASSUMPTION).
PAUSE = timedelta(seconds=60)
