"""Devices of a lab by number: no two of one model share an IMEI."""

import pytest

from agent.telephony.identity import check_digit
from firmware_profiles.loader import load_named
from lab.handset.numbered_device import DEVICES_MAX, NumberedDevice, device_imeis

GLOBAL = load_named("official-global")


def test_no_two_devices_share_an_imei_or_a_certificate() -> None:
    numbers = [*range(0, DEVICES_MAX, 97), DEVICES_MAX - 1]
    imeis = {imei for number in numbers for imei in device_imeis("tests", number, GLOBAL)}
    assert len(imeis) == 2 * len(numbers)
    assert all(imei[14] == str(check_digit(imei[:14])) for imei in imeis)
    devices = [NumberedDevice.of("tests", number, GLOBAL) for number in range(40)]
    assert len({device.authority.certificate.serial_number for device in devices}) == 40
    assert len({device.seed for device in devices}) == 40


def test_another_seed_gives_other_imeis() -> None:
    assert set(device_imeis("tests", 0, GLOBAL)).isdisjoint(device_imeis("other", 0, GLOBAL))


@pytest.mark.parametrize("number", [-1, DEVICES_MAX])
def test_a_number_out_of_range_is_rejected(number: int) -> None:
    with pytest.raises(ValueError, match="numbered from 0 to 499999"):
        device_imeis("tests", number, GLOBAL)
