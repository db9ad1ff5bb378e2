"""Mobile country codes and their territories (ITU-T E.212), and operators that serve another territory.

A code shows where a network is, which is not always the seat of its operator: 310 to 316 are the United States, also
for operators that serve an island; `SERVES_TOO` has the islands. 001 (test), 901 (international: satellites, ships,
aircraft, machines), 902 and 999 (private) belong to no territory.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from wire.evidence import Plmn

_EUROPE: Final = """
202:GR 204:NL 206:BE 208:FR 212:MC 213:AD 214:ES 216:HU 218:BA 219:HR 220:RS 221:XK 222:IT
225:VA 226:RO 228:CH 230:CZ 231:SK 232:AT 234:GB 235:GB 238:DK 240:SE 242:NO 244:FI 246:LT
247:LV 248:EE 250:RU 255:UA 257:BY 259:MD 260:PL 262:DE 266:GI 268:PT 270:LU 272:IE 274:IS
276:AL 278:MT 280:CY 282:GE 283:AM 284:BG 286:TR 288:FO 289:GE 290:GL 292:SM 293:SI 294:MK
295:LI 297:ME
"""

_NORTH_AMERICA_CARIBBEAN: Final = """
302:CA 308:PM 310:US 311:US 312:US 313:US 314:US 315:US 316:US 330:PR 332:VI 334:MX 338:JM
340:GP 342:BB 344:AG 346:KY 348:VG 350:BM 352:GD 354:MS 356:KN 358:LC 360:VC 362:CW 363:AW
364:BS 365:AI 366:DM 368:CU 370:DO 372:HT 374:TT 376:TC
"""

_ASIA_MIDDLE_EAST: Final = """
400:AZ 401:KZ 402:BT 404:IN 405:IN 406:IN 410:PK 412:AF 413:LK 414:MM 415:LB 416:JO 417:SY
418:IQ 419:KW 420:SA 421:YE 422:OM 424:AE 425:IL 426:BH 427:QA 428:MN 429:NP 430:AE 431:AE
432:IR 434:UZ 436:TJ 437:KG 438:TM 440:JP 441:JP 450:KR 452:VN 454:HK 455:MO 456:KH 457:LA
460:CN 461:CN 466:TW 467:KP 470:BD 472:MV
"""

_OCEANIA_SOUTH_EAST_ASIA: Final = """
502:MY 505:AU 510:ID 514:TL 515:PH 520:TH 525:SG 528:BN 530:NZ 534:MP 535:GU 536:NR 537:PG
539:TO 540:SB 541:VU 542:FJ 543:WF 544:AS 545:KI 546:NC 547:PF 548:CK 549:WS 550:FM 551:MH
552:PW 553:TV 554:TK 555:NU
"""

_AFRICA: Final = """
602:EG 603:DZ 604:MA 605:TN 606:LY 607:GM 608:SN 609:MR 610:ML 611:GN 612:CI 613:BF 614:NE
615:TG 616:BJ 617:MU 618:LR 619:SL 620:GH 621:NG 622:TD 623:CF 624:CM 625:CV 626:ST 627:GQ
628:GA 629:CG 630:CD 631:AO 632:GW 633:SC 634:SD 635:RW 636:ET 637:SO 638:DJ 639:KE 640:TZ
641:UG 642:BI 643:MZ 645:ZM 646:MG 647:RE 648:ZW 649:NA 650:MW 651:LS 652:BW 653:SZ 654:KM
655:ZA 657:ER 658:SH 659:SS
"""

_SOUTH_CENTRAL_AMERICA: Final = """
702:BZ 704:GT 706:SV 708:HN 710:NI 712:CR 714:PA 716:PE 722:AR 724:BR 730:CL 732:CO 734:VE
736:BO 738:GY 740:EC 742:GF 744:PY 746:SR 748:UY 750:FK 995:IO
"""

TERRITORY_BY_MCC: Final[dict[str, str]] = {
    mcc: territory
    for zone in (
        _EUROPE,
        _NORTH_AMERICA_CARIBBEAN,
        _ASIA_MIDDLE_EAST,
        _OCEANIA_SOUTH_EAST_ASIA,
        _AFRICA,
        _SOUTH_CENTRAL_AMERICA,
    )
    for mcc, _, territory in (entry.partition(":") for entry in zone.split())
}
"""ISO 3166-1 alpha-2 code by mobile country code. `XK`, Kosovo, is user-assigned."""

_CRIMEA_MNC: Final = {"32": "UA-43", "34": "UA-43", "54": "UA-43", "60": "UA-43", "33": "UA-40"}
"""Operators that serve only Crimea: Win mobile, Krymtelekom, Miranda-Media, Volna; in Sevastopol, Sevmobile.

Ukraine has not assigned these codes to its own operators, so they mean the same under its MCC.
250-96, +7Telecom, is missing because it now serves other territories too. The mainland operators that can be received
in Crimea are under `SERVES_TOO`.
"""

_EAST_MNC: Final = {("250", "97"): "UA-14", ("250", "98"): "UA-09"}
"""Phoenix in Donetsk and MKS in Luhansk, which left Ukraine's MCC for the Russian one."""

TERRITORY_BY_PLMN: Final[dict[tuple[str, str], str]] = {
    (mcc, mnc): territory for mcc in ("250", "255") for mnc, territory in _CRIMEA_MNC.items()
} | _EAST_MNC
"""Operators that serve another territory than that of their country code.

The key is the MNC as the network sends it: 250-32 and 250-032 are two networks (3GPP TS 23.003 clause 2.2).
"""

_SERVES_TOO: Final = """
AU:CC,CX,HM,NF CW:BQ,SX DK:FO,GL FI:AX FK:GS FR:BL,GF,GP,MF,MQ,NC,PF,PM,RE,TF,WF,YT
GB:AI,BM,FK,GG,GI,GS,IM,IO,JE,KY,MS,PN,SH,TC,VG GP:BL,GF,MF,MQ IL:PS JM:LC,TC MA:EH MC:XK NL:AW,BQ,CW,SX NO:SJ
NZ:CK,NU,PN,TK RE:TF,YT RS:XK RU:SJ,UA-09,UA-14,UA-40,UA-43 SI:XK US:AS,BM,GU,IO,MP,PR,UM,VI
UA-09:UA-14 UA-14:UA-09 UA-40:UA-43 UA-43:UA-40
"""
"""Other territories in which networks of a territory can be received: dependencies, occupied ground, islands that an
operator serves under a neighbour's code, and Kosovo, whose operators had the codes of Monaco, Slovenia and Serbia."""

_ANTARCTIC_STATIONS: Final = """
AR AU BE BG BR BY CL CN CZ DE EC ES FI FR GB IN IT JP KR NL NO NZ PE PL RO RU SE TR UA US UY ZA
"""
"""States that operate stations in Antarctica (members of COMNAP), whose national networks serve them."""


def _serves_too() -> dict[str, tuple[str, ...]]:
    pairs = [entry.partition(":")[::2] for entry in _SERVES_TOO.split()]
    pairs += [(state, "AQ") for state in _ANTARCTIC_STATIONS.split()]
    found: dict[str, set[str]] = {}
    for origin, territories in pairs:
        found.setdefault(origin, set()).update(territories.split(","))
    return {origin: tuple(sorted(territories)) for origin, territories in found.items()}


SERVES_TOO: Final = _serves_too()
"""The other territories in which the networks of a territory can be received."""

SERVED_FROM: Final[dict[str, frozenset[str]]] = {
    ground: frozenset(origin for origin, territories in SERVES_TOO.items() if ground in territories)
    for ground in {each for territories in SERVES_TOO.values() for each in territories}
}
"""The territories whose networks can be received on a ground, by its code."""


class NetworkCodeType(StrEnum):
    """The kind of a network code."""

    TERRITORY = "territory"
    TEST = "test-network"
    PRIVATE = "private-network"
    INTERNATIONAL = "international-network"
    SATELLITE = "satellite-network"
    VESSEL = "vessel-network"
    UNASSIGNED = "unassigned-code"


_SATELLITE: Final = frozenset(["03", "05", "06", "10", "11", "30", "50", "60", "94", "97", "98"])
"""Iridium, Thuraya, Omnispace, Inmarsat, OQ, EchoStar, OneWeb, Intelsat, Satelio, Skylo."""

_VESSEL: Final = frozenset(["12", "14", "15", "18", "19", "21", "26", "27", "32", "53"])
"""Cells aboard ships (Telenor Maritime, WMS, Epic, Wins, TIM@sea, OnMarine) and aircraft (AeroMobile, OnAir, Sky High,
European Aviation Network)."""

_RESERVED: Final = {
    "001": NetworkCodeType.TEST,
    "901": NetworkCodeType.INTERNATIONAL,
    "902": NetworkCodeType.PRIVATE,
    "999": NetworkCodeType.PRIVATE,
}


@dataclass(frozen=True, slots=True)
class NetworkCode:
    """The kind of a PLMN, its territory or None, and the territories that it also serves."""

    code_type: NetworkCodeType
    territory: str | None
    also: tuple[str, ...] = ()


def network_of(plmn: Plmn) -> NetworkCode:
    """The properties of a PLMN.

    >>> network_of(Plmn(mcc="901", mnc="12")).code_type, network_of(Plmn(mcc="250", mnc="60")).territory
    (<NetworkCodeType.VESSEL: 'vessel-network'>, 'UA-43')
    """
    if own := TERRITORY_BY_PLMN.get((plmn.mcc, plmn.mnc)):
        return NetworkCode(NetworkCodeType.TERRITORY, own, SERVES_TOO.get(own, ()))
    if territory := TERRITORY_BY_MCC.get(plmn.mcc):
        return NetworkCode(NetworkCodeType.TERRITORY, territory, SERVES_TOO.get(territory, ()))
    if plmn.mcc == "901" and plmn.mnc in _SATELLITE:
        return NetworkCode(NetworkCodeType.SATELLITE, None)
    if plmn.mcc == "901" and plmn.mnc in _VESSEL:
        return NetworkCode(NetworkCodeType.VESSEL, None)
    return NetworkCode(_RESERVED.get(plmn.mcc, NetworkCodeType.UNASSIGNED), None)
