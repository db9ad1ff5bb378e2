"""Real phones and a server whose policy changes hands: rolling back, and records that are older than the phones."""

from lab.handset.outcome import Outcome
from lab.manufacturer.policies import BEFORE
from lab.simulation.simulation import Simulation
from server_stub.admin.context import policy_admin
from server_stub.policies import shipped
from tests.support.life import DAY, policy


def test_a_phone_takes_what_was_rolled_back_to() -> None:
    """It has sealed version 1 and refuses version 0; the older text comes to it as version 2."""
    with Simulation.open("rolled back", policy=policy(BEFORE)) as simulation:
        simulation.server.adopt(shipped())
        phone = simulation.phone("official-global", "havana")
        phone.power_on()
        phone.walk_setup()
        assert phone.outcome() is Outcome.LOCKED
        entry = policy_admin(simulation.server.service).roll_back("ana", "a mistake")
        assert (entry.policy_id, entry.version) == ("open-2021-08", 2)
        phone.wait(2 * DAY)
        assert phone.outcome() is Outcome.ACTIVATED
        assert phone.timeline.verdicts[-1].claims.policy.version == 2


def test_a_server_restored_from_before_a_policy_puts_it_in_force_again() -> None:
    """Its records say version 0, which no phone would take any more."""
    with Simulation.open("restored", policy=policy(BEFORE)) as simulation:
        backup = simulation.server.backup()
        simulation.server.adopt(shipped())
        phone = simulation.phone("official-global", "paris")
        phone.power_on()
        phone.walk_setup()
        simulation.server.restore(backup)
        phone.wait(8 * DAY)
        assert simulation.server.service.policy.document.id == "export-2021-09"
        assert phone.timeline.verdicts[-1].claims.policy.version == 1
        assert phone.outcome() is Outcome.ACTIVATED
