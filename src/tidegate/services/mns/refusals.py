"""The errors of MNS, word for word from its page of error codes (sic). Call one to get the error to raise."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.errors import CloudError


@dataclass(frozen=True)
class Refusal:
    """One error; ``%s`` in the message is filled with what it is called with."""

    code: str
    message: str
    status: int = 400

    def __call__(self, *names: object) -> CloudError:
        """Return the error with the names filled in."""
        return CloudError(self.code, self.message % names, self.status)


# Who is calling.
access_denied = Refusal(
    "AccessDenied", "The OwnerId that your Access Key Id associated to is forbidden for this operation.", 403
)
key_unknown = Refusal("InvalidAccessKeyId", "The AccessKey Id you provided is not exist.", 403)
signature_mismatch = Refusal(
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    403,
)
#: ASSUMPTION on the code and the words of both: the page has none for temporary keys
token_invalid = Refusal("InvalidSecurityToken", "The security token you provided is invalid.", 403)
token_expired = Refusal("InvalidSecurityToken", "The security token you provided has expired.", 403)
authorization_missing = Refusal("MissingAuthorizationHeader", "Authorization header is required.")
authorization_invalid = Refusal("InvalidAuthorizationHeader", "The Authorization header format is invalid.")
date_missing = Refusal("MissingDateHeader", "Date header is required.")
date_invalid = Refusal("InvalidDateHeader", "The Date header format is invalid.")
expired = Refusal("TimeExpired", "The http request you sent is expired.", 408)
version_missing = Refusal("MissingVersionHeader", "x-mns-version header is required.")
version_invalid = Refusal("InvalidVersionHeader", "The x-mns-version you provided is not valid.")

# The request itself.
malformed = Refusal("MalformedXML", "The XML you provided was not well-formed.")
url_invalid = Refusal("InvalidRequestURL", "Http request URL format invalid.")
digest_invalid = Refusal("InvalidDegist", "The Content-MD5 you specified is invalid.")
schema = Refusal("InvalidArgument", "The XML you provided did not validate against our published schema, cause by %s.")
seconds_out_of_range = Refusal("InvalidArgument", "The value of %s should between %s and %s seconds.")
bytes_out_of_range = Refusal("InvalidArgument", "The value of %s should between %s and %s bytes.")
#: ASSUMPTION on the words: the page speaks of seconds and bytes only
out_of_range = Refusal("InvalidArgument", "The value of %s should between %s and %s.")
receipt_missing = Refusal("MissingReceiptHandle", "ReceiptHandle is required.")
visibility_missing = Refusal("MissingVisibilityTimeout", "VisibilityTimeout is required.")

# Queues and messages.
queue_exists = Refusal("QueueAlreadyExist", "The queue you want to create is already exist.", 409)
queue_name = Refusal(
    "InvalidQueueName",
    "The queue name you provided is invalid. QueueName should start with alphanumeric, and contains only characters, "
    "digits or -.",
)
queue_name_length = Refusal("QueueNameLengthError", "Queue name length should between 1 and %s.")
queue_unknown = Refusal("QueueNotExist", "The queue name you provided is not exist.", 404)
message_unknown = Refusal("MessageNotExist", "Message not exist.", 404)
receipt_invalid = Refusal("ReceiptHandleError", "The receipt handle you provide is not valid.")
#: ASSUMPTION on code and words of the three quotas
too_many_queues = Refusal("QueueNumExceededLimit", "The number of queues exceeds the limit %s.")
too_many_topics = Refusal("TopicNumExceededLimit", "The number of topics exceeds the limit %s.")
too_many_subscriptions = Refusal("SubscriptionNumExceededLimit", "The number of subscriptions exceeds the limit %s.")

# Topics and subscriptions.
topic_exists = Refusal("TopicAlreadyExist", "The topic you want to create is already exist.", 409)
topic_name = Refusal(
    "TopicNameInvalid",
    "The topic name you provided is invalid. TopicName should start with alphanumeric, and contains only characters, "
    "digits or -.",
)
topic_name_length = Refusal("TopicNameLengthError", "Topic name length should between 1 and %s.")
topic_unknown = Refusal("TopicNotExist", "The topic name you provided is not exist.", 404)
subscription_exists = Refusal("SubscriptionAlreadyExist", "The subscription you want to create is already exist.", 409)
subscription_name = Refusal(
    "SubscriptionNameInvalid",
    "The subscription name you provided is invalid. SubscriptionName should start with alphanumeric, and contains only "
    "characters, digits or -.",
)
subscription_name_length = Refusal("SubscriptionNameLengthError", "Subscription name length should between 1 and %s.")
subscription_unknown = Refusal("SubscriptionNotExist", "The subscription name you provided is not exist.", 404)
endpoint_invalid = Refusal("EndpointInvalid", "The endpoint you provided is not valid.")


def missing(name: str) -> CloudError:
    """Return the error for a mandatory value that is not there."""
    match name:
        case "ReceiptHandle":
            return receipt_missing()
        case "VisibilityTimeout":
            return visibility_missing()
        case _:
            return schema(name)


def invalid(name: str) -> CloudError:
    """Return the error for a value that cannot be read."""
    return schema(name)


def denied(_action: str, _resource: str) -> CloudError:
    """Return the denial by RAM."""
    return access_denied()
