"""What an attacker could prove about a run: canaries beside the patients, and what they show."""

from dpsynth.privacy.audit.auditor import Auditor
from dpsynth.privacy.audit.canaries import Canaries
from dpsynth.privacy.audit.transcript import Transcript
from dpsynth.privacy.audit.verdict import Finding, Verdict, judged

__all__ = ["Auditor", "Canaries", "Finding", "Transcript", "Verdict", "judged"]
