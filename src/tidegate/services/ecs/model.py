"""What other products and the API say to ECS, and the rules that need no row."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime
from ipaddress import AddressValueError, IPv4Address, IPv4Network

import msgspec

from tidegate.errors import CloudError
from tidegate.plane.hosts.base import HostSpec
from tidegate.services.ecs import blocks, catalog, faults, limits, naming
from tidegate.services.ecs.states import Event, Status, after
from tidegate.store.ecs.instances import Instance, Options
from tidegate.store.ecs.networks import VSwitch


class DataDiskSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A data disk that every instance of a launch gets. ``size`` is GiB."""

    size: int
    category: str = "cloud_essd"
    name: str = ""
    description: str = ""
    snapshot_id: str = ""
    delete_with_instance: bool = True


class LaunchSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What instances are made of.

    ``vswitch_id`` or ``zone`` may be left out: then the default vSwitch (of the zone) is used. Without security groups
    it is the default one of the VPC. Names may hold a numbering part (``web-[1,3]``). ``user_data`` is raw, not Base64.
    ``system_tags`` are the cloud's own (``acs:…``) and are not checked.
    """

    image_id: str
    instance_type: str
    vswitch_id: str | None = None
    zone: str | None = None
    security_group_ids: tuple[str, ...] = ()
    instance_name: str = ""
    host_name: str = ""
    unique_suffix: bool = False
    description: str = ""
    user_data: bytes = b""
    tags: Mapping[str, str] = {}
    system_tags: Mapping[str, str] = {}
    private_address: str | None = None
    charge_type: str = "PostPaid"
    deletion_protection: bool = False
    resource_group_id: str = ""
    key_pair_name: str = ""
    #: False: left Stopped, as CreateInstance does
    boots: bool = True
    #: empty: those of the image, if it has any
    data_disks: tuple[DataDiskSpec, ...] = ()
    options: Options = Options()


class InstanceView(msgspec.Struct, frozen=True, kw_only=True):
    """What other products see of an instance. ``status`` is one of the five statuses the cloud shows."""

    id: str
    status: str
    private_address: str
    zone: str
    vswitch_id: str
    vpc_id: str
    instance_type: str
    created_at: datetime


class Delays(msgspec.Struct, frozen=True, kw_only=True):
    """How much slower than the machine this cloud is, in seconds. Production takes tens of them."""

    boot: float = 0.0
    stop: float = 0.0
    #: attaching and detaching, binding and unbinding
    change: float = 0.0
    #: making a snapshot or an image
    copy: float = 0.0


NO_DELAYS = Delays()


_PASSWORD_CLASSES = ("[a-z]", "[A-Z]", r"\d", r"[()`~!@#$%^&*\-_+=|{}\[\]:;'<>,.?/]")


def check_spec(spec: LaunchSpec, amount: int) -> None:
    """Raise what RunInstances answers to a specification that is wrong in itself."""
    if spec.instance_type not in catalog.INSTANCE_TYPES:
        raise faults.bad("InvalidInstanceType.ValueNotSupported")
    check_names(naming.pattern_of(spec.instance_name), naming.pattern_of(spec.host_name), spec.description)
    check_user_data(spec.user_data)
    if not 1 <= amount <= limits.INSTANCES_PER_LAUNCH:
        raise faults.invalid_parameter("Amount")
    if spec.private_address is not None and amount > 1:
        raise faults.invalid_parameter("PrivateIpAddress")
    if len(spec.data_disks) > limits.DATA_DISKS:
        raise faults.denied("InstanceDiskLimitExceeded")
    if any(not limits.DISK_MIN <= one.size <= limits.DISK_MAX for one in spec.data_disks):
        raise faults.bad("InvalidSize.ValueNotSupported")
    if len(spec.security_group_ids) > limits.SECURITY_GROUPS_PER_INSTANCE:
        raise faults.invalid_parameter("SecurityGroupIds")


def check_names(name: str | None, host_name: str | None, description: str | None) -> None:
    """Raise when an instance may not be called so; empty and None mean "not given"."""
    if name and not naming.is_name(name):
        raise faults.bad("InvalidInstanceName.Malformed")
    if host_name and not naming.is_host_name(host_name):
        raise faults.bad("InvalidHostName.Malformed")
    if description and (not 2 <= len(description) <= 256 or description.startswith(("http://", "https://"))):
        raise faults.bad("InvalidDescription.Malformed")


def check_user_data(raw: bytes) -> None:
    """Raise when user data is too big."""
    if len(raw) > limits.USER_DATA_BYTES:
        raise faults.bad("InvalidUserData.SizeExceeded")


def check_password(password: str | None) -> None:
    """Raise when a password breaks the rule: 8–30 characters of three classes. Nobody signs in here, so it is not kept."""
    if password is None:
        return
    classes = sum(re.search(one, password) is not None for one in _PASSWORD_CLASSES)
    if not 8 <= len(password) <= 30 or classes < 3 or password.startswith("/"):
        raise faults.bad("InvalidPassword.Malformed")


def decode_user_data(text: str | None) -> bytes:
    """Return the raw user data behind its Base64 text."""
    if not text:
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise faults.bad("InvalidUserData.Base64FormatInvalid") from error


def wanted_address(text: str, block: IPv4Network) -> int:
    """Return the address a caller asked for, as a number; raises when it cannot be one of the vSwitch's."""
    try:
        address = int(IPv4Address(text))
    except (AddressValueError, ValueError) as error:
        raise faults.bad("InvalidPrivateIpAddress.Malformed") from error
    first, last = blocks.usable(block)
    if not first <= address <= last:
        raise faults.bad("InvalidPrivateIpAddress")
    return address


def refusal(instance: Instance, event: Event) -> CloudError | None:
    """Return why the instance's status forbids what a caller asks for; None when it does not (ecs.md 4)."""
    status = Status(instance.status)
    if after(status, event) is not None:
        return None
    if status is Status.PENDING:
        return faults.denied("IncorrectInstanceStatus.Initializing")
    return faults.denied("IncorrectInstanceStatus")


def release_refusal(instance: Instance, *, force: bool, terminate_subscription: bool = False) -> CloudError | None:
    """Return why a caller may not release the instance; None when it may (ecs.md 4)."""
    if instance.deletion_protection:
        return faults.denied("InvalidOperation.DeletionProtection")
    if instance.charge_type == "PrePaid" and not terminate_subscription:
        return faults.denied("ChargeTypeViolation")
    if not force and instance.status != Status.STOPPED:
        pending = instance.status == Status.PENDING
        return faults.denied("IncorrectInstanceStatus.Initializing" if pending else "IncorrectInstanceStatus")
    return refusal(instance, Event.RELEASE)


def host_of(instance: Instance, vswitch: VSwitch) -> HostSpec:
    """Return the machine that an instance is."""
    return HostSpec(
        id=instance.id,
        vswitch_id=vswitch.id,
        network=str(vswitch.block),
        gateway=str(blocks.router(vswitch.block)),
        address=instance.address,
        hostname=instance.host_name,
        user_data=instance.user_data,
        memory=catalog.INSTANCE_TYPES[instance.instance_type].memory_mib,
    )


def mac_of(address: str) -> str:
    """Return the MAC address shown for a private address, in the vendor range production uses."""
    _, *rest = IPv4Address(address).packed
    return "00:16:3e:" + ":".join(f"{byte:02x}" for byte in rest)
