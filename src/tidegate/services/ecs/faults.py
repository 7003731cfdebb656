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
