"""Lesions as data: places and sizes in um on the retina, so that every B-scan of a volume cuts the same ones."""

from dataclasses import dataclass

import numpy as np

from training.phantom.curves import Curve, Wave


@dataclass(frozen=True)
class Mound:
    """A rounded heap of something: a druse, a detachment of the RPE, a pool of fluid, a swelling. Sizes in um.

    `level` is the brightness of what fills it, `grain` how coarse-grained that looks (0 smooth).
    """

    x_um: float
    z_um: float
    half_width_um: float
    height_um: float
    power: float = 2.0
    level: float = 0.4
    grain: float = 0.1
    rough: float = 0.0
    wave: Wave | None = None

    def height(self, x_um: Curve, z_um: float) -> Curve:
        """Height at places `x_um` of the B-scan at `z_um`; um, at least 0, float64 [W]."""
        distance = np.hypot(x_um - self.x_um, z_um - self.z_um)
        shape = np.exp(-((distance / self.half_width_um) ** self.power))
        # the tail of the bell ends at a foot, as a real detachment does
        shape = np.clip((shape - 0.05) / 0.95, 0.0, None)
        if self.wave is not None and self.rough > 0.0:
            shape = shape * (1.0 + self.rough * np.tanh(self.wave(x_um, z_um)))
        return np.asarray(self.height_um * shape)


@dataclass(frozen=True)
class Cyst:
    """A pocket of fluid inside the retina; `depth` is its middle, from 0 (ILM) to 1 (outer border of the retina)."""

    x_um: float
    z_um: float
    half_width_um: float
    half_height_um: float
    depth: float
    level: float
    power: float = 2.0
    lean: float = 0.0
    through: bool = False
    """A gap through the whole retina rather than a pocket inside it."""


@dataclass(frozen=True)
class Focus:
    """A bright dot: hard exudate, hyperreflective focus or pigment; `shadow` is the share of light it takes from what lies
    below."""

    x_um: float
    z_um: float
    radius_um: float
    depth: float
    level: float
    shadow: float
    stretch: float = 1.0


@dataclass(frozen=True)
class Atrophy:
    """A patch where photoreceptors and RPE are lost and light leaks into the choroid; strengths from 0 to 1."""

    x_um: float
    z_um: float
    half_width_um: float
    photoreceptors: float
    rpe: float
    leak: float
    thinning: float


@dataclass(frozen=True)
class Membrane:
    """An epiretinal membrane: a bright line on the ILM that wrinkles it."""

    start_um: float
    end_um: float
    level: float
    thickness_um: float
    wrinkle_um: float
    wave: Wave
    gap_um: float


@dataclass(frozen=True)
class Lesions:
    """Everything that is not healthy in one eye."""

    label: str
    sub_rpe: tuple[Mound, ...] = ()
    fluid: tuple[Mound, ...] = ()
    material: tuple[Mound, ...] = ()
    deposits: tuple[Mound, ...] = ()
    swelling: tuple[Mound, ...] = ()
    cysts: tuple[Cyst, ...] = ()
    foci: tuple[Focus, ...] = ()
    atrophy: tuple[Atrophy, ...] = ()
    membrane: Membrane | None = None
    rpe_wave: Wave | None = None
    rpe_wave_um: float = 0.0
    compliance: float = 0.5
    """Share of an elevation that the outer nuclear layer gives way to: 1 leaves the ILM flat."""
    blur: float = 0.0
    """How far the borders between inner layers are lost, 0 to 1."""
    shade: float = 0.0
    """Share of light that swelling and the material above Bruch's membrane take from the choroid."""

    @property
    def places_um(self) -> tuple[float, ...]:
        """Lateral places of what makes the diagnosis: mounds first, cysts and dots where there are none."""
        inner = tuple(m.x_um for m in (*self.sub_rpe, *self.material, *self.fluid)) + tuple(c.x_um for c in self.cysts)
        return inner or tuple(m.x_um for m in self.swelling)
