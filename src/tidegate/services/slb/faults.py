"""The refusals of SLB. Codes and words of ecs.md 13; those it does not give are ASSUMPTIONs."""

from __future__ import annotations

from tidegate.errors import CloudError


def unknown_balancer() -> CloudError:
    """No such load balancer."""
    return CloudError("InvalidLoadBalancerId.NotFound", "The specified LoadBalancerId does not exist.", 404)


def unknown_group() -> CloudError:
    """No such vServer group."""
    return CloudError("InvalidVServerGroupId.NotFound", "The specified VServerGroupId does not exist.", 404)


def unknown_listener() -> CloudError:
    """No listener at this port."""
    return CloudError("ListenerNotFound", "The specified listener does not exist.", 404)


def unknown_region() -> CloudError:
    """No such region."""
    return CloudError("InvalidRegionId.NotFound", "The specified region is not found.", 404)


def pending() -> CloudError:
    """Another change of the same load balancer has not ended yet."""
    return CloudError("ServiceIsConfiguring", "A previous configuration is pending; please try again later.")


def bad_servers() -> CloudError:
    """Some servers are not there or do not run."""
    return CloudError(
        "ObtainIpFail",
        "The specified BackendServers is invalid; some of the specified backend servers do not exist or are not running.",
    )


def malformed_servers() -> CloudError:
    """The list of servers cannot be read."""
    return CloudError("BackendServersMalformed", "The specified BackendServers is malformed.")


def too_many_servers() -> CloudError:
    """More servers than one call, or one group, may have."""
    return CloudError("TooManyBackendServers", "The number of backend servers exceeds the limit.")


def inconsistent_servers() -> CloudError:
    """A server whose weight is to be set is not there."""
    return CloudError("InvalidBackendServers.Inconsistent", "The specified BackendServers are not in the server group.")


def listener_there() -> CloudError:
    """The port has a listener."""
    return CloudError("ListenerAlreadyExists", "There is conflict listener exists.")


def group_in_use() -> CloudError:
    """A listener forwards to the group."""
    return CloudError("RspoolVipExist", "There are vips associate with this vServer group.")


def protected() -> CloudError:
    """The load balancer is protected against deletion."""
    return CloudError(
        "OperationDenied.DeleteProtectionIsOn", "The operation is not allowed because of DeleteProtection."
    )


def quota(what: str) -> CloudError:
    """The account, or the load balancer, has as many as it may."""
    return CloudError("QuotaExceeded", f"The quota of {what} exceeds.")


def unsupported(reason: str) -> CloudError:
    """Load balancers of this cloud cannot do it; the reason is ours."""
    return CloudError("UnsupportedOperation", f"The specified action is not supported. {reason}")
