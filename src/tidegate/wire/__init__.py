"""The protocol, pure: parameters, signatures, answers, error bodies."""
