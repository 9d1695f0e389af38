"""The chest on an X-ray, part by part: what each adds to or takes from the light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dpsynth.data.phantoms.sheet import Sheet, Subject


@dataclass(frozen=True, kw_only=True)
class Thorax:
    """Shapes of one patient's chest on a sheet, each (images, size, size) in [0, 1].

    Attributes:
        off: distance from the spine, in the body's units; the patient's right is negative in
            `sheet.x` and positive here as the left is.
        body: skin and all within.
        lungs: the two fields of air.
        heart: heart and great vessels.
        belly: what lies below the diaphragm.
    """

    off: np.ndarray
    body: np.ndarray
    lungs: np.ndarray
    heart: np.ndarray
    belly: np.ndarray

    @staticmethod
    def of(subject: Subject, sheet: Sheet) -> Thorax:
        """Draw a patient's anatomy; it is the same in all images of a patient."""
        own = subject.own
        curve = own.normal("scoliosis", 0, 0.02) * np.cos(2 * sheet.y)
        off = np.abs(sheet.x - curve)
        below = _below_diaphragm(subject, sheet, off)
        heart = _heart(subject, sheet)
        return Thorax(
            off=off,
            body=_body(subject, sheet, off),
            lungs=_lungs(subject, sheet, off) * sheet.within(-below, 0.02) * (1 - 0.85 * heart),
            heart=heart,
            belly=sheet.within(below, 0.03),
        )


def _body(subject: Subject, sheet: Sheet, off: np.ndarray) -> np.ndarray:
    own = subject.own
    flank = own.normal("flank", 1.0, 0.06) + 0.05 * subject.male
    shoulder = own.normal("shoulder", -0.98, 0.06)
    slope = own.uniform("shoulder slope", 0.2, 0.5)
    trunk = sheet.within(flank + 0.1 * np.maximum(-0.3 - sheet.y, 0) - off, 0.02)
    under = sheet.within(sheet.y - shoulder - slope * np.maximum(off - 0.3, 0), 0.02)
    neck = sheet.within(own.uniform("neck", 0.2, 0.3) - off, 0.02)
    return trunk * np.maximum(under, neck)


def _lungs(subject: Subject, sheet: Sheet, off: np.ndarray) -> np.ndarray:
    own = subject.own
    apex = own.normal("apex", -0.86, 0.04) + 0.08 * subject.childhood()
    base = 0.35
    up = np.clip((base - sheet.y) / (base - apex), 0, 1)
    outer = own.normal("lung wide", 0.78, 0.03) * np.sqrt(1 - up ** own.uniform("round", 1.2, 2.2))
    spine = own.normal("mediastinum", 0.16, 0.015) + 0.06 * subject.childhood()
    inner = spine + 0.04 * np.exp(-(((sheet.y - apex) / 0.35) ** 2)) + 0.08 * np.maximum(sheet.y, 0)
    return sheet.within(outer - off, 0.02) * sheet.within(off - inner, 0.02)


def _below_diaphragm(subject: Subject, sheet: Sheet, off: np.ndarray) -> np.ndarray:
    own = subject.own
    breath = subject.shot.normal("breath", 0, 0.035)
    level = own.normal("diaphragm", 0.6, 0.06) - 0.08 * subject.childhood() + breath
    lower_left = own.normal("hemidiaphragm", 0.05, 0.02) * (sheet.x > 0)
    dome = own.uniform("dome", 0.5, 1.1) * (off - 0.4) ** 2
    return sheet.y - level - lower_left - dome


def _heart(subject: Subject, sheet: Sheet) -> np.ndarray:
    own = subject.own
    growth = 1 + 0.2 * subject.childhood() + 0.15 * subject.seniority()
    wide = own.normal("heart wide", 0.34, 0.025) * growth
    tall = own.normal("heart tall", 0.42, 0.03) * growth
    ventricle = sheet.ellipse(
        own.normal("heart x", 0.13, 0.02), own.normal("heart y", 0.36, 0.03), wide, tall, 0.05
    )
    knob = sheet.ellipse(
        own.normal("knob x", 0.13, 0.015),
        own.normal("knob y", -0.38, 0.03),
        0.08 + 0.06 * subject.seniority(),
        0.13,
        0.03,
    )
    return np.maximum(ventricle, 0.8 * knob)


def bones(subject: Subject, sheet: Sheet, thorax: Thorax) -> np.ndarray:
    """Light of ribs, clavicles and spine; children's bones are fainter."""
    own = subject.own
    spacing = own.normal("rib spacing", 0.185, 0.012)
    fall = own.uniform("rib fall", 0.25, 0.5)
    arc = sheet.y - fall * (thorax.off - 0.25) - 0.5 * np.maximum(thorax.off - 0.5, 0) ** 2
    turn = 2 * np.pi * (arc / spacing + own.uniform("rib phase"))
    # Ribs finer than two pixels would alias into false stripes.
    resolved = np.clip(spacing / (2.5 * sheet.pixel), 0, 1) ** 2
    rib = resolved * (0.5 + 0.5 * np.cos(turn)) ** 1.5
    cage = sheet.within(0.9 - thorax.off, 0.03) * sheet.within(0.75 - sheet.y, 0.08)
    rib = rib * cage * sheet.within(thorax.off - 0.12, 0.03)
    clavicle = _clavicles(subject, sheet, thorax.off)
    spine = np.exp(-((thorax.off / 0.17) ** 2))
    discs = 1 + 0.12 * np.cos(sheet.y * own.normal("discs", 38, 2)) * resolved
    firm = 1 - 0.4 * subject.childhood() - 0.25 * subject.seniority()
    light = own.uniform("rib light", 0.05, 0.1) * rib + 0.12 * clavicle
    return firm * light + 0.11 * spine * discs


def _clavicles(subject: Subject, sheet: Sheet, off: np.ndarray) -> np.ndarray:
    own = subject.own
    height = own.normal("clavicle", -0.62, 0.04)
    rise = own.uniform("clavicle rise", 0.1, 0.45)
    middle = height - rise * (off - 0.15) + 0.15 * np.sin(5 * off)
    thick = 0.035
    bar = sheet.within(thick - np.abs(sheet.y - middle), 0.01)
    return bar * sheet.within(off - 0.12, 0.02) * sheet.within(0.8 - off, 0.03)


def breasts(subject: Subject, sheet: Sheet) -> np.ndarray:
    """Light of the breasts of women, from about 12 years on."""
    own = subject.own
    grown = (1 - subject.male) / (1 + np.exp(12.0 - subject.age))
    wide, tall = own.normal("breast wide", 0.34, 0.03), own.normal("breast tall", 0.3, 0.03)
    height = own.normal("breast y", 0.38, 0.05) + 0.1 * subject.seniority()
    apart = own.normal("breast x", 0.52, 0.03)
    right = sheet.ellipse(-apart, height, wide, tall, 0.03)
    left = sheet.ellipse(apart, height, wide, tall, 0.03)
    return own.uniform("breast light", 0.06, 0.12) * grown * (right + left)


def air_and_vessels(subject: Subject, sheet: Sheet, thorax: Thorax) -> np.ndarray:
    """Depth of the lungs' darkness: deep in the aged, less near the hilum's vessels."""
    own = subject.own
    hilum = sheet.haze(-0.25, -0.05, 0.2, 0.35) + sheet.haze(0.25, -0.05, 0.2, 0.35)
    vessels = 1 + 0.9 * sheet.waves(own, "vessels", 22, 6)
    age = 1 - 0.1 * subject.childhood() + 0.08 * subject.seniority()
    depth = own.normal("air", 0.36, 0.035) * age * (1 - 0.15 * sheet.y)
    return depth * (1 - own.uniform("hilum", 0.15, 0.5) * hilum * vessels)


def bubble(subject: Subject, sheet: Sheet) -> np.ndarray:
    """Air in the stomach, under the left diaphragm of some."""
    own, shot = subject.own, subject.shot
    full = shot.chance("bubble", 0.35) * own.uniform("bubble light", 0.1, 0.35)
    wide = own.uniform("bubble wide", 0.12, 0.25)
    return full * sheet.ellipse(own.normal("bubble x", 0.5, 0.06), 0.88, wide, 0.12, 0.03)
