"""Drivers: which memory types each maps, by which symbol of a .config it is built, and what it insists on."""

from typing import NamedTuple

from simulator import citations
from simulator.memory_type import BY_WORD, MemoryType
from simulator.pair import Target
from simulator.problem import InvalidInput, refuse


class Need(NamedTuple):
    """A memory type that a guest maps, where, why, and whether that is certain or only possible."""

    wanted: MemoryType
    target: Target
    why: str
    certain: bool
    unless: str = ""  # of a need that is only possible: what makes it none
    cites: tuple[str, ...] = ()

    def as_data(self) -> dict[str, object]:
        """The need as JSON-able data."""
        return {"wanted": self.wanted.word, "target": self.target.value, "why": self.why, "certain": self.certain}


class Driver(NamedTuple):
    """A driver, or some that map alike: what it maps, and the symbols that build it.

    `possible` are types that it maps under some conditions only.
    """

    key: str
    title: str
    symbols: tuple[str, ...]
    wants: tuple[tuple[MemoryType, Target], ...]
    how: str
    cite: str
    possible: tuple[tuple[MemoryType, Target], ...] = ()
    condition: str = ""
    modules: tuple[str, ...] = ()
    needs_hardware: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """What a module list or a person may call it."""
        return self.key, *self.modules


def _pairs(words: str) -> tuple[tuple[MemoryType, Target], ...]:
    split = [word.split("@") for word in words.split()]
    return tuple((BY_WORD[wanted], Target(target)) for wanted, target in split)


def _driver(
    key: str,
    title: str,
    symbols: str,
    wants: str,
    how: str,
    cite: str = citations.LINUX_DRIVERS,
    *,
    possible: str = "",
    condition: str = "",
    modules: str = "",
    needs_hardware: bool = True,
) -> Driver:
    return Driver(
        key=key,
        title=title,
        symbols=tuple(f"CONFIG_{symbol}" for symbol in symbols.split()),
        wants=_pairs(wants),
        how=how,
        cite=cite,
        possible=_pairs(possible),
        condition=condition,
        modules=tuple(modules.split()),
        needs_hardware=needs_hardware,
    )


_GPU = "WC@mmio WC@ram UC-@mmio"
_TTM = "WC@mmio WC@ram UC-@mmio UC-@ram"
_TTM_HOW = "ttm: pgprot_writecombine(), set_pages_array_wc(), set_pages_array_uc()"
_RDMA = "WC@mmio UC-@mmio"
_RDMA_HOW = "pgprot_writecombine() of doorbell pages"

DRIVERS = (
    #       key              title                             symbols
    _driver("i915", "Intel graphics (i915)", "DRM_I915", _GPU, "io_mapping_map_wc(), pgprot_writecombine()",
            citations.LINUX_I915),
    _driver("xe", "Intel graphics (xe)", "DRM_XE", _TTM, _TTM_HOW, citations.LINUX_TTM),
    _driver("amdgpu", "AMD graphics (amdgpu)", "DRM_AMDGPU", _TTM, _TTM_HOW, citations.LINUX_TTM),
    _driver("radeon", "AMD graphics (radeon)", "DRM_RADEON", _TTM, _TTM_HOW, citations.LINUX_TTM),
    _driver("nouveau", "NVIDIA graphics (nouveau)", "DRM_NOUVEAU", _TTM, _TTM_HOW, citations.LINUX_TTM),
    _driver("qxl", "QXL graphics", "DRM_QXL", _TTM, _TTM_HOW, citations.LINUX_TTM),
    _driver("nvidia-nv-pat", "NVIDIA's driver with nv-pat", "", _GPU, "nv_determine_pat_mode()", citations.NVIDIA_PAT,
            modules="nvidia"),
    _driver("nvidia", "NVIDIA's driver without nv-pat (6xx)", "", _GPU, "ioremap_wc(), pgprot_writecombine()",
            citations.NVIDIA_PAT),
    _driver("ast", "AST graphics", "DRM_AST", "WC@mmio", "devm_ioremap_wc()"),
    _driver("mgag200", "Matrox graphics", "DRM_MGAG200", "WC@mmio", "devm_ioremap_wc()"),
    _driver("bochs", "Bochs graphics", "DRM_BOCHS", "WC@mmio", "devm_ioremap_wc()"),
    _driver("simpledrm", "the firmware's framebuffer (simpledrm)", "DRM_SIMPLEDRM", "WC@mmio", "devm_ioremap_wc()"),
    _driver("efifb", "the firmware's framebuffer (efifb)", "FB_EFI", "WC@mmio",
            "ioremap_wc(); ioremap_wt() or memremap() where the firmware describes it as WT or WB"),
    _driver("vesafb", "the firmware's framebuffer (vesafb)", "FB_VESA", "WC@mmio", "ioremap_wc()"),
    _driver("mlx5_ib", "Mellanox InfiniBand (mlx5)", "MLX5_INFINIBAND", _RDMA, _RDMA_HOW),
    _driver("mlx4_ib", "Mellanox InfiniBand (mlx4)", "MLX4_INFINIBAND", _RDMA, _RDMA_HOW),
    _driver("hfi1", "Omni-Path (hfi1)", "INFINIBAND_HFI1", _RDMA, _RDMA_HOW),
    _driver("efa", "Amazon EFA", "INFINIBAND_EFA", _RDMA, _RDMA_HOW),
    _driver("bnxt_re", "Broadcom RoCE", "INFINIBAND_BNXT_RE", _RDMA, _RDMA_HOW),
    _driver("irdma", "Intel RDMA", "INFINIBAND_IRDMA", _RDMA, _RDMA_HOW),
    _driver("mana_ib", "Microsoft RDMA", "MANA_INFINIBAND", _RDMA, _RDMA_HOW),
    _driver("mlx5_core", "Mellanox network (mlx5)", "MLX5_CORE", "WC@mmio", "io_mapping_map_wc()"),
    _driver("mlx4_en", "Mellanox network (mlx4)", "MLX4_EN", "WC@mmio", "io_mapping_map_wc()", modules="mlx4_core"),
    _driver("sfc", "Solarflare network", "SFC", "WC@mmio", "ioremap_wc()"),
    _driver("ena", "Amazon network (ena)", "ENA_ETHERNET", "WC@mmio", "devm_ioremap_wc()"),
    _driver("pmem", "persistent memory", "LIBNVDIMM ACPI_NFIT BLK_DEV_PMEM X86_PMEM_LEGACY", "WB@ram",
            "ARCH_MEMREMAP_PMEM", citations.LINUX_LIBNVDIMM, modules="libnvdimm nfit nd_pmem", needs_hardware=False),
    _driver("agp", "AGP", "AGP AGP_INTEL AGP_AMD64", "UC-@ram WC@mmio", "set_pages_array_uc(), ioremap_wc()",
            modules="agpgart intel_agp intel_gtt amd64_agp"),
    _driver("vfio-pci", "device assignment (vfio-pci)", "VFIO_PCI", "WC@mmio UC-@mmio", "pgprot_writecombine()",
            modules="vfio_pci"),
    _driver("ntb", "non-transparent bridges", "NTB", "WC@mmio UC-@mmio", "ioremap_wc()"),
    _driver("ivpu", "Intel VPU", "DRM_ACCEL_IVPU", "WC@ram UC-@mmio", "set_pages_array_wc()", modules="intel_vpu"),
    _driver("snd", "sound (memalloc)", "SND_HDA_INTEL", "WC@ram UC-@ram", "set_memory_wc(), set_memory_uc()",
            modules="snd_hda_intel"),
    _driver("xen-fbfront", "Xen's PV framebuffer", "XEN_FBDEV_FRONTEND", "WB@ram", "no call that sets a type",
            modules="xen_fbfront", needs_hardware=False),
    _driver("drm-xen-front", "Xen's PV display", "DRM_XEN_FRONTEND", "WB@ram", "no call that sets a type",
            modules="drm_xen_front", needs_hardware=False),
    _driver("mem-encrypt", "AMD memory encryption", "AMD_MEM_ENCRYPT", "", "x86_has_pat_wp()", citations.LINUX_WP,
            possible="WP@ram", condition="memory encryption (SME) is not active in this guest", needs_hardware=False),
)  # fmt: skip

# A module's name may be that of several drivers, the first of which is taken where a person names it.
_BY_NAME: dict[str, list[Driver]] = {}
for _one in DRIVERS:
    for _name in _one.names:
        _BY_NAME.setdefault(_name.replace("-", "_"), []).append(_one)
_BY_SYMBOL = {symbol: driver for driver in DRIVERS for symbol in driver.symbols}

#: The symbols of a .config that say which drivers there are.
SYMBOLS = frozenset(_BY_SYMBOL)


def driver_named(name: str) -> Driver | None:
    """The driver of a name; `-` and `_` are one, as for modules. A driver's own key wins over a module's name."""
    return min(drivers_of(name), key=lambda one: not name.strip().lower().startswith(one.key), default=None)


def drivers_of(module: str) -> list[Driver]:
    """The drivers that a module of this name, or of this file's name, may be."""
    name = module.strip().rpartition("/")[2].partition(".ko")[0]
    return _BY_NAME.get(name.lower().replace("-", "_"), [])


def parse_driver(name: str, *, field: str) -> str:
    """The key of the driver that a person names. Raises InvalidInput, naming those that are known."""
    found = driver_named(name)
    if found is None:
        raise _unknown(name, field)
    return found.key


def _unknown(name: str, field: str) -> InvalidInput:
    known = ", ".join(driver.key for driver in DRIVERS)
    return refuse("driver", f"{name[:40]!a} is no driver that is known here; known are {known}", field=field)


class Source(NamedTuple):
    """Why a driver is taken to be there: a symbol's value, a module list or a person's word."""

    driver: Driver
    why: str
    certain: bool


def sources_of(
    drivers: tuple[str, ...], modules: tuple[str, ...] | None, config: dict[str, str], where: dict[str, str]
) -> list[Source]:
    """The drivers of a guest, those that are certain first; `where` says where a symbol stands.

    A module list decides what the .config leaves open: a module that it does not name is not loaded.
    """
    named = ((name, driver_named(name)) for name in drivers)
    found = [Source(driver, f"driver {name}", True) for name, driver in named if driver is not None]
    for name in modules or ():
        known = driver_named(name)
        found += [Source(one, f"module {name} is loaded", one is known) for one in drivers_of(name)]
    for symbol in sorted(config):
        if symbol in _BY_SYMBOL and config[symbol] in ("y", "m"):
            is_built_in = config[symbol] == "y"
            if is_built_in or modules is None:
                found.append(Source(_BY_SYMBOL[symbol], f"{symbol}={config[symbol]}{where[symbol]}", is_built_in))
    return sorted(found, key=lambda source: not source.certain)


def needs_by(sources: list[Source]) -> list[Need]:
    """What drivers need, each type and target once; what is certain wins over what is only possible."""
    found: dict[tuple[MemoryType, Target], Need] = {}
    for driver, why, certain in sources:
        for wanted, target in driver.wants:
            unless = "" if certain else f"{driver.key} is not loaded"
            _add(found, Need(wanted, target, f"{driver.title}: {why}", certain, unless, (driver.cite,)))
        for wanted, target in driver.possible:
            _add(found, Need(wanted, target, f"{driver.title}: {why}", False, driver.condition, (driver.cite,)))
    return list(found.values())


def _add(found: dict[tuple[MemoryType, Target], Need], need: Need) -> None:
    key = need.wanted, need.target
    known = found.get(key)
    if known is None or (need.certain and not known.certain):
        found[key] = need
    elif need.certain is known.certain and need.why != known.why:
        found[key] = known._replace(
            why=f"{known.why}; {need.why}",
            unless=known.unless if known.unless == need.unless else f"{known.unless} and {need.unless}",
            cites=tuple(dict.fromkeys((*known.cites, *need.cites))),
        )


class Constraint(NamedTuple):
    """What a driver insists on besides a type: when, what happens otherwise, and the evidence."""

    driver: str
    versions: str
    condition: str
    effect: str
    cites: tuple[str, ...]
    fix: str = ""  # "" where it depends on why the condition does not hold


WC_AT_1 = Constraint(
    driver="nvidia-nv-pat",
    versions="before 6xx",
    condition="WC is at PA1, or in no entry",
    effect='the module refuses the layout: "NVRM: PAT configuration unsupported."',
    fix="put WC at PA1, or run a driver of NVIDIA's that dropped the test (6xx)",
    cites=(citations.NVIDIA_PAT, citations.QUBES_9501),
)
PAT_ENABLED = Constraint(
    driver="i915",
    versions="Linux 5.17 and later",
    condition="pat_enabled() is true",
    effect="I915_MMAP_WC is refused with -ENODEV, and the display server fails",
    cites=(citations.LINUX_I915_ASKS, citations.LINUX_PAT_ENABLED, citations.QUBES_7479),
)
CPU_HAS_PAT = Constraint(
    driver="i915",
    versions="Linux 4.0 to 5.16",
    condition="CPUID.PAT is shown",
    effect="I915_MMAP_WC is refused with -ENODEV",
    fix="show CPUID.PAT to the guest",
    cites=(citations.LINUX_I915,),
)
CONSTRAINTS = (WC_AT_1, PAT_ENABLED, CPU_HAS_PAT)
