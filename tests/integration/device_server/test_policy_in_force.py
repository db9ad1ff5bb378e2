"""Devices and changes of the policy: roll-back, and records that are older than the devices."""

from lab.backend.hosts import InProcessHost
from lab.handset.outcome import Outcome
from lab.manufacturer.policies import BEFORE
from lab.simulation.simulation import Simulation
from server_stub.admin.context import policy_admin
from server_stub.policies.loading import shipped
from tests.support.life import DAY, policy


def test_a_device_accepts_verdicts_after_a_roll_back() -> None:
    """It has sealed version 2 and rejects version 0; the older text is version 3."""
    with Simulation("rolled back", policy=policy(BEFORE), host=InProcessHost) as simulation:
        simulation.server.adopt(shipped())
        phone = simulation.phone("official-global", "havana")
        phone.power_on()
        phone.walk_setup()
        assert phone.outcome() is Outcome.LOCKED
        entry = policy_admin(simulation.server.service).roll_back("ana", "a mistake")
        assert (entry.policy_id, entry.version) == ("open-2021-08", 3)
        phone.wait(2 * DAY)
        assert phone.outcome() is Outcome.ACTIVATED
        assert phone.timeline.verdicts[-1].claims.policy.version == 3


def test_a_server_restored_from_an_older_backup_puts_the_policy_in_force_again() -> None:
    """Its records have version 0, which devices reject."""
    with Simulation("restored", policy=policy(BEFORE), host=InProcessHost) as simulation:
        backup = simulation.server.backup()
        simulation.server.adopt(shipped())
        phone = simulation.phone("official-global", "paris")
        phone.power_on()
        phone.walk_setup()
        simulation.server.restore(backup)
        phone.wait(8 * DAY)
        assert simulation.server.service.policy.document.id == "export-2021-09"
        assert phone.timeline.verdicts[-1].claims.policy.version == 2
        assert phone.outcome() is Outcome.ACTIVATED
