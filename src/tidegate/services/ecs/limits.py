"""Quotas and sizes of ECS, each with its source in ecs.md."""

from __future__ import annotations

from datetime import timedelta

#: RunInstances, Amount (3)
INSTANCES_PER_LAUNCH = 100
#: InstanceIds of DescribeInstances, InstanceId.N of the batch operations (2, 4)
IDS_PER_CALL = 100
#: raw bytes of UserData (3)
USER_DATA_BYTES = 16 * 1024
#: InstanceId.N of RunCommand and InvokeCommand (6)
TARGETS_PER_INVOCATION = 50
#: raw bytes of CommandContent. ASSUMPTION: 18 KB, as the command documents say
COMMAND_BYTES = 18 * 1024
#: custom parameters of one command (6)
COMMAND_PARAMETERS = 20
#: bytes of output kept of one run (6)
OUTPUT_BYTES = 24 * 1024
#: seconds a command may run when nothing is said, at least, and at most (6; bounds ASSUMPTION)
COMMAND_TIMEOUT, COMMAND_TIMEOUT_MIN, COMMAND_TIMEOUT_MAX = 60, 10, 86_400
#: finished invocations are kept this long. ASSUMPTION: four weeks, as the console says
INVOCATION_RETENTION = timedelta(weeks=4)
#: tags of one resource, resources of one TagResources call, bytes of a key and a value (9)
TAGS_PER_RESOURCE, RESOURCES_PER_TAGGING, TAG_TEXT = 20, 50, 128
#: PrePaid periods and public bandwidth in Mbit/s. ASSUMPTION: the widest bounds the documents name
PERIOD_MAX, BANDWIDTH_MAX = 60, 200
#: page sizes (2, 5, wire.md 11)
PAGE_DEFAULT, PAGE_MAX, STATUS_PAGE_MAX = 10, 100, 50
#: security groups of one instance. ASSUMPTION: 5, the documented default quota
SECURITY_GROUPS_PER_INSTANCE = 5
#: prefix lengths of a vSwitch (8) and of a VPC
VSWITCH_PREFIX_MIN, VSWITCH_PREFIX_MAX = 16, 29
VPC_PREFIX_MIN, VPC_PREFIX_MAX = 8, 28
#: launch templates of one region, versions of one template (10). ASSUMPTION: the documented default quotas
TEMPLATES_PER_REGION, VERSIONS_PER_TEMPLATE = 30, 30
#: what one account may have in a region (ASSUMPTION: generous, so that every listing is bounded)
EIPS, INTERFACES, DISKS, SNAPSHOTS, POLICIES, IMAGES, KEY_PAIRS = 1000, 2000, 5000, 5000, 100, 500, 500
#: rules of one security group (the documented default quota)
SECURITY_RULES = 200
#: Mbit/s of an elastic address
EIP_BANDWIDTH_MAX = 500
#: GiB of a disk, at least and at most
DISK_MIN, DISK_MAX = 1, 32_768
#: data disks of one instance
DATA_DISKS = 16
