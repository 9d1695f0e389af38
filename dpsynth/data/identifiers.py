"""Direct identifiers, found by a column's name alone (the eighteen kinds of HIPAA)."""

from __future__ import annotations

import re

_WORDS = (
    r"(first|last|middle|maiden|given|family|full|sur|fore|nick)[_ ]?names?",
    r"(patient|person|subject|mother|father|parent|guardian)s?[_ ]?names?",
    r"(provider|doctor|physician)s?[_ ]?names?",
    r"name|initials",
    r"(street|home|postal|mailing|work|email|e[_ ]?mail|mac|ip)[_ ]?addr(ess)?(es)?\d?",
    r"addr(ess)?(es)?(line)?\d?|street|zip([_ ]?codes?)?|post(al)?[_ ]?codes?|plz",
    r"(birth|death|born|deceased)[_ ]?(date|day|dt|time)",
    r"(date|day|dt)[_ ]?(of[_ ]?)?(birth|death)",
    r"dob|dod|birthday",
    r"(tele|cell|mobile|home|work)?[_ ]?phones?([_ ]?(no|number|nr))?",
    r"mobile|fax([_ ]?(no|number))?",
    r"e[_ ]?mails?",
    r"ssn|social[_ ]?security([_ ]?(no|number|nr))?|national[_ ]?id|nhs[_ ]?(no|number)|nino",
    r"mrn|medical[_ ]?record([_ ]?(no|number|nr|id))?|(hospital|chart)[_ ]?(no|number|nr)",
    r"(insurance|member|beneficiary|policy|medicare|medicaid|health[_ ]?plan)"
    r"[_ ]?(id|no|number|nr)",
    r"account([_ ]?(id|no|number|nr))?|iban|credit[_ ]?card([_ ]?(no|number))?",
    r"(driver'?s?[_ ]?)?licen[cs]e([_ ]?(no|number|nr|plate))?",
    r"(certificate|passport)([_ ]?(no|number))?",
    r"(vehicle|car)[_ ]?(id|number|plate)|vin|number[_ ]?plate",
    r"(device|serial|implant)[_ ]?(id|serial|no|number|nr|identifier)|imei|udi",
    r"urls?|web[_ ]?(site|page)|ip",
    r"finger[_ ]?prints?|voice[_ ]?prints?|retina|iris|biometrics?",
    r"(face|full[_ ]?face)?[_ ]?(photo(graph)?|portrait)s?",
)
_PATTERN = re.compile("|".join(f"(?:{word})" for word in _WORDS))


def names_a_person(column: str) -> bool:
    """Whether a column's name says that it identifies a person directly.

    "PatientName", "date-of-birth", "ZIP" do; "hospital_name_code", "age", "diagnosis" do not.
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.strip())
    return _PATTERN.fullmatch(re.sub(r"[\s.\-_]+", "_", spaced).lower()) is not None
