"""The errors of ECS, word for word (ecs.md 4, 6 and 17). Messages that no source gives are marked ASSUMPTION."""

from __future__ import annotations

from tidegate.errors import CloudError
from tidegate.services.operation import invalid_parameter, missing_parameter

__all__ = ["bad", "denied", "invalid_parameter", "missing_parameter", "not_found"]

_NOT_FOUND = {
    "InvalidInstanceId": "The specified InstanceId does not exist.",
    "InvalidInstance": "The specified instance does not exist.",
    "InvalidImageId": "The specified ImageId does not exist.",
    "InvalidVSwitchId": "Specified virtual switch does not exist.",
    "InvalidVpcId": "Specified VPC does not exist.",  # ASSUMPTION
    "InvalidSecurityGroupId": "The specified SecurityGroupId does not exist.",
    "InvalidRegionId": "The specified RegionId does not exist.",
    "InvalidZoneId": "The specified zone does not exist.",  # ASSUMPTION
    "InvalidLaunchTemplate": "The specified LaunchTemplate does not exist.",  # ASSUMPTION
    "InvalidLaunchTemplateVersion": "The specified LaunchTemplateVersion does not exist.",  # ASSUMPTION
    "InvalidKeyPairName": "The specified parameter KeyPairName does not exist.",  # ASSUMPTION
    "InvalidStatus": "The specified Status does not exist.",  # ASSUMPTION
    "InvalidCmdId": "The specified command ID does not exist.",  # ASSUMPTION
    "InvalidInvokeId": "The specified invocation ID does not exist.",  # ASSUMPTION
    "InvalidResourceId": "The specified ResourceId is not found in our records.",  # ASSUMPTION
    "InvalidAllocationId": "Specified allocation ID is not found.",  # ASSUMPTION
    "InvalidEniId": "The specified NetworkInterfaceId does not exist.",  # ASSUMPTION
    "InvalidDiskId": "The specified disk does not exist.",  # ASSUMPTION
    "InvalidSnapshotId": "The specified snapshot does not exist.",  # ASSUMPTION
    "InvalidAutoSnapshotPolicyId": "The specified automatic snapshot policy does not exist.",  # ASSUMPTION
    "InvalidSecurityGroupRuleId": "The specified rule does not exist.",  # ASSUMPTION
}

_BAD = {
    "InvalidInstanceIds.Malformed": 'The specified "InstanceIds" is not valid.',  # ASSUMPTION
    "InvalidInstanceType.ValueNotSupported": "The specified InstanceType does not exist or beyond the permitted range.",
    "InvalidInstanceName.Malformed": "The specified InstanceName is not valid.",
    "InvalidDescription.Malformed": "The specified Description is not valid.",
    "InvalidHostName.Malformed": "The specified HostName is not valid.",
    "InvalidPassword.Malformed": "The specified Password is not valid.",
    "InvalidUserData.SizeExceeded": "The specified UserData exceeds the maximum size.",
    "InvalidUserData.Base64FormatInvalid": "The specified UserData is not valid Base64.",
    "InvalidPrivateIpAddress": "The specified private IP address does not belong to the virtual switch.",
    "InvalidPrivateIpAddress.Malformed": "The specified private IP address is not valid.",
    "InvalidPrivateIpAddress.Duplicated": "The specified private IP address is already in use.",
    "QuotaExceeded.PrivateIpAddress": "Don't have enough private IPs in this switch",
    "InvalidParameter.Mismatch": "Specified security group and virtual switch are not in the same VPC.",
    "InvalidTagKey.Malformed": "The specified Tag.n.Key is not valid.",
    "InvalidTagValue.Malformed": "The specified Tag.n.Value is not valid.",
    "InvalidTagCount": "The specified tags are beyond the permitted range.",
    "Duplicate.TagKey": "The Tag.n.Key contains duplicate keys.",
    "InvalidMinAmount.Malformed": "The specified MinAmount is not valid.",
    "DryRunOperation": "Request validation has been passed with DryRun flag set.",
    "InvalidLaunchTemplateName.Malformed": "The specified LaunchTemplateName is not valid.",  # ASSUMPTION
    "InvalidLaunchTemplateName.Duplicated": "The specified LaunchTemplateName already exists.",  # ASSUMPTION
    "InvalidCidrBlock.Malformed": "Specified CIDR block is not valid.",
    "InvalidCidrBlock.Overlapped": "Specified CIDR block overlapped with other subnets.",
    "InvalidResourceType.NotFound": "The ResourceType provided does not exist in our records.",
    # ASSUMPTION on the words from here to the next group
    "IncorrectEipStatus": "Current elastic IP status does not support this operation.",
    "InvalidAssociation.Duplicated": "The specified instance already has an elastic IP address.",
    "InvalidBandwidth.ValueNotSupported": "The specified Bandwidth is not valid.",
    "InvalidOperation.InvalidEniState": "The specified network interface is in an invalid state for this operation.",
    "InvalidOperation.InvalidEniType": "The operation is not allowed on a network interface of this type.",
    "InvalidOperation.VpcMismatch": "The network interface and the instance are not in the same VPC.",
    "InvalidOperation.AvailabilityZoneMismatch": "The network interface and the instance are not in the same zone.",
    "InvalidSize.ValueNotSupported": "The specified disk size is not supported.",
    "InvalidDiskSize.TooSmall": "The specified disk size is less than the minimum.",
    "InvalidImageName.Duplicated": "The specified image name already exists.",
    "InvalidImageName.Malformed": "The specified image name is not valid.",
    "InvalidSnapshotName.Malformed": "The specified snapshot name is not valid.",
    "InvalidKeyPairName.Malformed": "The specified KeyPairName is not valid.",
    "KeyPair.AlreadyExist": "The key pair already exists.",
    "InvalidPublicKeyBody.Malformed": "The specified PublicKeyBody is not valid.",
    "InvalidIpProtocol.ValueNotSupported": "The specified IpProtocol does not exist or is not supported.",
    "InvalidIpPortRange.Malformed": "The specified PortRange is not valid.",
    "InvalidPolicy.Malformed": "The specified Policy is not valid.",
    "InvalidPriority.Malformed": "The specified Priority is not valid.",
    "InvalidSourceCidrIp.Malformed": "The specified SourceCidrIp is not valid.",
    "InvalidTimePoints.Malformed": "The specified TimePoints is not valid.",
    "InvalidRepeatWeekdays.Malformed": "The specified RepeatWeekdays is not valid.",
    "InvalidSecurityGroupRule.NotExist": "The specified rule does not exist.",
    "CmdParam.EmptyKey": "You must specify the parameter names.",
    "CmdParam.InvalidParamName": "The specified parameter name is not valid.",
    "CmdContent.DecodeError": "The specified command content is not valid Base64.",
    "CmdContent.ExceedLimit": "The length of the command content exceeds the upper limit.",
    "CmdParamCount.ExceedLimit": "The number of parameters in the command exceeds the upper limit.",
}

_DENIED = {
    "IncorrectInstanceStatus": "The current status of the resource does not support this operation.",
    "IncorrectInstanceStatus.Initializing": "The specified instance status does not support this operation.",
    "InvalidOperation.DeletionProtection": (
        "The operation is not allowed because the instance is under deletion protection."
    ),
    "ChargeTypeViolation": "The operation is not permitted due to charge type of the instance.",
    "OperationDenied.NoStock": (
        "The requested resource is sold out in the specified zone; "
        "try other types of resources or other regions and zones."
    ),
    "LaunchTemplateLimitExceed": "The maximum number of launch templates is exceeded.",  # ASSUMPTION
    "LaunchTemplateVersionLimitExceed": "The maximum number of versions of the launch template is exceeded.",  # ASSUMPTION
    "InvalidOperation.DefaultVersion": "The default version of a launch template cannot be deleted.",  # ASSUMPTION
    "InvalidInstanceType.ZoneNotSupported": "The specified instance type is not supported in this zone.",
    # ASSUMPTION on the words from here to the next group
    "IncorrectDiskStatus": "The current disk status does not support this operation.",
    "EniPerInstanceLimitExceeded": "The number of network interfaces exceeds the limit of the instance type.",
    "InstanceDiskLimitExceeded": "The amount of the disks on the instance exceeds the limit.",
    "InvalidDiskType.System": "The operation is not supported by system disks.",
    "ImageUsingByInstance": "The specified image is used by an instance; set Force to delete it.",
    "SnapshotCreatedImage": "The snapshot has created an image; set Force or delete the image first.",
    "DependencyViolation": "There is still something that depends on the resource.",
    "QuotaExceeded": "The quota of this resource is exceeded.",
    "InvalidInstanceStatus.CreateImage": "The current status of the instance does not support CreateImage.",
    "InvalidCmdType.NotFound": "The specified command type does not exist.",
    "InvalidInstance.NotMatch": "The specified instance does not match the command type.",
    "InstanceIds.ExceedLimit": "The number of instance IDs exceeds the upper limit.",
    "MissingParam.Frequency": "The parameter Frequency must be specified for periodic commands.",
}


def not_found(name: str, status: int = 404) -> CloudError:
    """``<name>.NotFound``. RunInstances answers 400 for a security group, everything else 404."""
    return CloudError(f"{name}.NotFound", _NOT_FOUND[name], status)


def bad(code: str) -> CloudError:
    """A request that is wrong in itself: 400."""
    return CloudError(code, _BAD[code])


def denied(code: str) -> CloudError:
    """A request that the state of things forbids: 403."""
    return CloudError(code, _DENIED[code], 403)
