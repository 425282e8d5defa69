"""Which VMA has a job (section 6)."""

import pytest
from core_values import a_job

from oma_poller.core.routing import vma_for
from oma_poller.model.vma import DEFAULT_VMA, VmaRule

JOB = a_job(vcenter_host="vc01.berlin.example", datacenter="DC-North")


def test_without_rules_every_job_belongs_to_the_default_vma() -> None:
    assert vma_for(JOB, ()) == DEFAULT_VMA


def test_a_job_that_no_rule_claims_belongs_to_the_default_vma() -> None:
    assert vma_for(JOB, (VmaRule("paris", vcenter_host="*.paris.example"),)) == DEFAULT_VMA


def test_the_first_rule_that_matches_has_the_job() -> None:
    rules = (
        VmaRule("paris", vcenter_host="*.paris.example"),
        VmaRule("berlin", vcenter_host="*.berlin.example"),
        VmaRule("rest"),
    )
    assert vma_for(JOB, rules) == "berlin"


@pytest.mark.parametrize(
    ("rule", "claims"),
    [
        (VmaRule("v"), True),
        (VmaRule("v", vcenter_host="vc0?.berlin.*"), True),
        (VmaRule("v", vcenter_host="vc0[2-9].*"), False),
        (VmaRule("v", datacenter="DC-*"), True),
        (VmaRule("v", datacenter="DC"), False),
        (VmaRule("v", vcenter_host="vc01*", datacenter="DC-*"), True),
        (VmaRule("v", vcenter_host="vc01*", datacenter="DC-South"), False),
        (VmaRule("v", vcenter_host="vc02*", datacenter="DC-*"), False),
    ],
)
def test_a_rule_claims_what_all_its_patterns_match(rule: VmaRule, *, claims: bool) -> None:
    assert (vma_for(JOB, (rule,)) == "v") is claims


def test_letter_case_does_not_count() -> None:
    assert vma_for(JOB, (VmaRule("v", vcenter_host="VC01.Berlin.*", datacenter="dc-north"),)) == "v"


def test_a_job_without_a_host_is_claimed_only_by_a_pattern_that_matches_nothing_too() -> None:
    job = a_job(vcenter_host=None, datacenter=None)
    assert vma_for(job, (VmaRule("v", vcenter_host="?*"),)) == DEFAULT_VMA
    assert vma_for(job, (VmaRule("v", vcenter_host="*"),)) == "v"
