"""Which keys a job is asked for under, and in what order (P2)."""

import pytest
from core_values import JOB_ID, a_disk, a_job, a_reading
from hypothesis import given
from hypothesis import strategies as st

from oma_poller.core.keys import EXPORT_PREFIX, KeyPlan, export_name, is_unknown, plan_keys, tier_order
from oma_poller.errors import VolumeNameError
from oma_poller.model.reading import Failure, FailureKind, Missing

VOLUME = "c290646c-41ba-4d50-a31f-f497320ca0bd"


def test_an_export_is_named_after_its_volume() -> None:
    assert export_name(VOLUME) == f"migration-vol-{VOLUME}"


@pytest.mark.parametrize("volume_id", ["a", "a" * 200, "A_b-c.9", "-a", "_a"])
def test_a_volume_id_of_plain_characters_is_accepted(volume_id: str) -> None:
    assert export_name(volume_id) == EXPORT_PREFIX + volume_id


@pytest.mark.parametrize(
    "volume_id",
    ["", "a" * 201, ".a", "..", "a/b", "a b", "a\n", "a%2f", "a?b", "a#b", "a\\b", "vol-ä", "a\0"],
)
def test_a_volume_id_that_cannot_be_a_path_segment_is_refused_by_name(volume_id: str) -> None:
    with pytest.raises(VolumeNameError) as refusal:
        export_name(volume_id)
    assert refusal.value.volume_id == volume_id
    assert repr(volume_id) in str(refusal.value)
    assert "allowed are" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@given(st.text())
def test_an_export_name_never_needs_escaping(volume_id: str) -> None:
    try:
        name = export_name(volume_id)
    except VolumeNameError:
        return
    assert name.isascii()
    assert not set(name) & set("/?#% \t\n\\")


def test_one_disk_gives_its_export_then_the_job_id() -> None:
    assert plan_keys(a_job(a_disk(volume_id=VOLUME))) == KeyPlan(
        tiers=((f"migration-vol-{VOLUME}",), (JOB_ID,)), exports=(f"migration-vol-{VOLUME}",)
    )


def test_all_exports_are_one_tier_in_the_order_of_the_disks() -> None:
    plan = plan_keys(a_job(a_disk(2), a_disk(1), nbd_export_name="old-name"))
    assert plan.tiers == (("migration-vol-vol-2", "migration-vol-vol-1"), ("old-name",), (JOB_ID,))


def test_disks_that_share_a_volume_share_its_key() -> None:
    plan = plan_keys(a_job(a_disk(1), a_disk(2, volume_id="vol-1")))
    assert plan.tiers[0] == ("migration-vol-vol-1",)
    assert plan.exports == ("migration-vol-vol-1", "migration-vol-vol-1")


def test_a_disk_without_a_volume_has_no_export() -> None:
    plan = plan_keys(a_job(a_disk(1, volume_id=None), a_disk(2)))
    assert plan.tiers[0] == ("migration-vol-vol-2",)
    assert plan.exports == (None, "migration-vol-vol-2")


def test_without_any_export_the_older_keys_are_left() -> None:
    plan = plan_keys(a_job(a_disk(volume_id=None), nbd_export_name="old-name"))
    assert plan.tiers == (("old-name",), (JOB_ID,))
    assert plan.is_whole_job(0)
    assert plan.is_whole_job(1)


def test_a_job_without_disks_is_asked_for_by_its_id() -> None:
    plan = plan_keys(a_job(disks=()))
    assert plan == KeyPlan(tiers=((JOB_ID,),), exports=())


def test_an_export_stands_for_its_disk_and_every_other_key_for_the_whole_job() -> None:
    plan = plan_keys(a_job(nbd_export_name="old-name"))
    assert [plan.is_whole_job(tier) for tier in range(3)] == [False, True, True]


@pytest.mark.parametrize("disks", [(a_disk(1),), (a_disk(1), a_disk(2))])
def test_the_export_of_one_disk_is_never_asked_again_as_the_whole_job(disks: tuple[object, ...]) -> None:
    plan = plan_keys(a_job(disks=disks, nbd_export_name="migration-vol-vol-1"))
    assert len(plan.tiers) == 2
    assert plan.tiers[1] == (JOB_ID,)


def test_a_job_id_that_equals_the_export_name_is_asked_once() -> None:
    assert plan_keys(a_job(disks=(), nbd_export_name=JOB_ID)).tiers == ((JOB_ID,),)


@pytest.mark.parametrize("name", ["", ".", "..", "a\nb", "a\x7f", "x" * 256])
def test_a_name_that_cannot_be_a_path_segment_is_left_out(name: str) -> None:
    assert plan_keys(a_job(nbd_export_name=name)).tiers == (("migration-vol-vol-1",), (JOB_ID,))


@pytest.mark.parametrize("name", ["x" * 255, "two words", "..a", "ä/b"])
def test_any_other_name_is_asked_for(name: str) -> None:
    assert plan_keys(a_job(nbd_export_name=name)).tiers[1] == (name,)


def test_a_job_whose_keys_cannot_be_asked_has_no_tier() -> None:
    assert plan_keys(a_job(id="..", disks=())).tiers == ()


def test_one_bad_volume_id_refuses_the_job() -> None:
    with pytest.raises(VolumeNameError):
        plan_keys(a_job(a_disk(1), a_disk(2, volume_id="../2")))


@pytest.mark.parametrize(
    ("answered", "order"), [(None, (0, 1, 2)), (0, (0, 1, 2)), (1, (1, 0, 2)), (2, (2, 0, 1)), (3, (0, 1, 2))]
)
def test_the_tier_that_answered_last_is_asked_first(answered: int | None, order: tuple[int, ...]) -> None:
    assert tier_order(3, answered) == order


def test_keys_are_unknown_only_when_the_vma_knows_none_of_them() -> None:
    failure = Failure(FailureKind.TIMEOUT, "no answer within 10 s")
    assert is_unknown([Missing(), Missing()])
    assert not is_unknown([Missing(), a_reading()])
    assert not is_unknown([Missing(), failure])
