"""The policies that the cloud itself provides (ram.md 10). They are code, not rows: every cloud has the same."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

#: When the cloud made its system policies; ASSUMPTION, nobody depends on it.
CREATED = "2015-04-28T17:12:14Z"


class SystemPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy that nobody can change. With ``service`` only that service's own role carries it."""

    name: str
    description: str
    document: str
    service: str | None = None


def _allow(actions: Sequence[str], condition: Mapping[str, Any] | None = None) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return {**statement, "Condition": condition} if condition else statement


def _policy(
    name: str, description: str, *statements: dict[str, Any], service: str | None = None
) -> tuple[str, SystemPolicy]:
    document = json.dumps({"Version": "1", "Statement": statements})
    return name, SystemPolicy(name=name, description=description, document=document, service=service)


def _pass_role_to(service: str) -> dict[str, Any]:
    return _allow(["ram:PassRole"], {"StringEquals": {"acs:Service": service}})


#: What reading means across products (ram.md 10 ends its list with an ellipsis; ASSUMPTION on the rest).
_READING = ("*:Describe*", "*:List*", "*:Get*", "*:BatchGet*", "*:Query*", "*:BatchQuery*", "*:Check*", "*:Read*")
_VPC_LISTS = ("vpc:DescribeVpcs", "vpc:DescribeVSwitches")

SYSTEM_POLICIES: Mapping[str, SystemPolicy] = dict(
    [
        _policy("AdministratorAccess", "Provides full access to Alibaba Cloud services and resources.", _allow(["*"])),
        _policy("ReadOnlyAccess", "Provides read-only access to Alibaba Cloud services.", _allow(_READING)),
        _policy(
            "AliyunECSFullAccess",
            "Provides full access to Elastic Compute Service via Management Console.",
            _allow(["ecs:*", *_VPC_LISTS]),
            _pass_role_to("ecs.aliyuncs.com"),
        ),
        _policy(
            "AliyunECSReadOnlyAccess",
            "Provides read-only access to Elastic Compute Service via Management Console.",
            _allow(["ecs:Describe*", "ecs:List*", *_VPC_LISTS]),
        ),
        _policy(
            "AliyunESSFullAccess",
            "Provides full access to Auto Scaling via Management Console.",
            _allow(["ess:*"]),
        ),
        _policy(
            "AliyunESSReadOnlyAccess",
            "Provides read-only access to Auto Scaling via Management Console.",
            _allow(["ess:Describe*", "ess:List*"]),
        ),
        _policy(
            "AliyunOOSFullAccess",
            "Provides full access to Operation Orchestration Service via Management Console.",
            _allow(["oos:*"]),
            _pass_role_to("oos.aliyuncs.com"),
        ),
        _policy(
            "AliyunOOSReadOnlyAccess",
            "Provides read-only access to Operation Orchestration Service via Management Console.",
            _allow(["oos:List*", "oos:Get*"]),
        ),
        _policy(
            "AliyunKvstoreFullAccess",
            "Provides full access to ApsaraDB for Redis via Management Console.",
            _allow(["kvstore:*"]),
        ),
        _policy(
            "AliyunKvstoreReadOnlyAccess",
            "Provides read-only access to ApsaraDB for Redis via Management Console.",
            _allow(["kvstore:Describe*"]),
        ),
        _policy(
            "AliyunRAMFullAccess",
            "Provides full access to Resource Access Management via Management Console.",
            _allow(["ram:*"]),
        ),
        _policy(
            "AliyunRAMReadOnlyAccess",
            "Provides read-only access to Resource Access Management via Management Console.",
            _allow(["ram:Get*", "ram:List*"]),
        ),
        _policy(
            "AliyunSTSAssumeRoleAccess",
            "Provides access to the AssumeRole operation of Security Token Service.",
            _allow(["sts:AssumeRole"]),
        ),
        _policy(
            "AliyunSLBFullAccess",
            "Provides full access to Server Load Balancer via Management Console.",
            _allow(["slb:*"]),
        ),
        _policy(
            "AliyunRDSFullAccess", "Provides full access to ApsaraDB for RDS via Management Console.", _allow(["rds:*"])
        ),
        _policy(
            "AliyunVPCFullAccess",
            "Provides full access to Virtual Private Cloud via Management Console.",
            _allow(["vpc:*"]),
        ),
        # ASSUMPTION on the actions: the services that the role is documented to reach (ess.md 1).
        _policy(
            "AliyunServiceRolePolicyForAutoScaling",
            "The policy for AutoScaling service linked role.",
            _allow(["ecs:*", "vpc:Describe*", "slb:*", "rds:Describe*", "rds:ModifySecurityIps", "mns:*", "cms:*"]),
            _allow(["oos:StartExecution", "oos:CancelExecution", "oos:List*", "oos:Get*", "ram:PassRole"]),
            service="ess.aliyuncs.com",
        ),
    ]
)
