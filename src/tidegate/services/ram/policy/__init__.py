"""The policy language (ram.md 5–8), pure: text → compiled statements → a verdict.

``grammar`` reads documents, ``patterns`` matches actions and resource names, ``conditions`` tests what a request
carries, ``evaluation`` decides. Nothing here knows a database, a clock or a product.
"""

from __future__ import annotations

from tidegate.services.ram.policy.evaluation import Access, NamedPolicy, Question, Verdict, evaluate
from tidegate.services.ram.policy.grammar import GrammarError, Policy, Statement, read_policy, read_trust_policy

__all__ = [
    "Access",
    "GrammarError",
    "NamedPolicy",
    "Policy",
    "Question",
    "Statement",
    "Verdict",
    "evaluate",
    "read_policy",
    "read_trust_policy",
]
