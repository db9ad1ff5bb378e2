"""Real phones and a server whose policy changes hands: rolling back, and records that are older than the phones."""

from lab.outcome import Outcome
from lab.policies import BEFORE
from lab.scene import Scene
from server_stub.policies import shipped
from tests.support.life import DAY, policy


def test_a_phone_takes_what_was_rolled_back_to() -> None:
    """It has sealed version 1 and refuses version 0; the older text comes to it as version 2."""
    with Scene.open("rolled back", policy=policy(BEFORE)) as scene:
        scene.server.adopt(shipped())
        phone = scene.phone("official-global", "havana")
        phone.power_on()
        phone.walk_setup()
        assert phone.outcome() is Outcome.LOCKED
        entry = scene.server.service.policies.roll_back("ana", "a mistake")
        assert (entry.policy_id, entry.version) == ("open-2021-08", 2)
        phone.wait(2 * DAY)
        assert phone.outcome() is Outcome.ACTIVATED
        assert phone.timeline.verdicts[-1].claims.policy.version == 2


def test_a_server_restored_from_before_a_policy_puts_it_in_force_again() -> None:
    """Its records say version 0, which no phone would take any more."""
    with Scene.open("restored", policy=policy(BEFORE)) as scene:
        backup = scene.server.backup()
        scene.server.adopt(shipped())
        phone = scene.phone("official-global", "paris")
        phone.power_on()
        phone.walk_setup()
        scene.server.restore(backup)
        phone.wait(8 * DAY)
        assert scene.server.service.policy.document.id == "export-2021-09"
        assert phone.timeline.verdicts[-1].claims.policy.version == 1
        assert phone.outcome() is Outcome.ACTIVATED
