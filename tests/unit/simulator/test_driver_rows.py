"""guest-kernels.md 1.7: which memory types a .config, a module list or a driver makes a kernel need, and for what.

Rows of 1.7 that are no configuration symbol, and how they are tested:
- "any (ioremap)": test_ioremap_is_in_every_configuration.
- ARCH_MEMREMAP_PMEM is WT without the PMEM API: x86-64 always has it, so the row is WB.
- "nobody: set_memory_wt, pgprot_writethrough": test_nobody_needs_wt.
- SND is the memalloc of sound drivers: one of them, SND_HDA_INTEL, stands for it. In Kconfig ACCEL_IVPU is
  DRM_ACCEL_IVPU and ENA is ENA_ETHERNET. The "22 other fbdev drivers" have FB_VESA for an example.
"""

import pytest

from tests.unit.simulator.one_guest import (
    LINUX_4,
    LINUX_8,
    RESET,
    XEN,
    Data,
    ask,
    fired,
    index,
    mapping,
    needs,
    pat_type,
    worst,
)

ALWAYS = {("WB", "ram", True), ("UC-", "mmio", True)}
NVIDIAS_OWN = "0x0007040600070106"

ROWS = [
    # symbol                     types that it needs beside WB of RAM and UC- of device memory
    pytest.param("DRM_I915", "WC", id="i915: io_mapping_map_wc 11, pgprot_writecombine 5, ioremap_wc 3"),
    pytest.param("DRM_XE", "WC UC-", id="xe (TTM)"),
    pytest.param("DRM_AMDGPU", "WC UC-", id="amdgpu (TTM)"),
    pytest.param("DRM_RADEON", "WC UC-", id="radeon (TTM)"),
    pytest.param("DRM_NOUVEAU", "WC UC-", id="nouveau (TTM)"),
    pytest.param("DRM_QXL", "WC UC-", id="qxl (TTM)"),
    pytest.param("DRM_AST", "WC", id="ast: devm_ioremap_wc"),
    pytest.param("DRM_MGAG200", "WC", id="mgag200: devm_ioremap_wc"),
    pytest.param("DRM_SIMPLEDRM", "WC", id="simpledrm: devm_ioremap_wc"),
    pytest.param("DRM_BOCHS", "WC", id="bochs: devm_ioremap_wc"),
    pytest.param("FB_EFI", "WC", id="efifb: ioremap_wc"),
    pytest.param("FB_VESA", "WC", id="vesafb and 21 other fbdev drivers"),
    pytest.param("MLX5_INFINIBAND", "WC UC-", id="mlx5_ib: UAR and BlueFlame"),
    pytest.param("MLX4_INFINIBAND", "WC UC-", id="mlx4_ib"),
    pytest.param("INFINIBAND_HFI1", "WC UC-", id="hfi1"),
    pytest.param("INFINIBAND_EFA", "WC UC-", id="efa"),
    pytest.param("INFINIBAND_BNXT_RE", "WC UC-", id="bnxt_re"),
    pytest.param("INFINIBAND_IRDMA", "WC UC-", id="irdma"),
    pytest.param("MANA_INFINIBAND", "WC UC-", id="mana"),
    pytest.param("MLX5_CORE", "WC", id="mlx5_core: io_mapping_map_wc"),
    pytest.param("MLX4_EN", "WC", id="mlx4_en"),
    pytest.param("SFC", "WC", id="sfc"),
    pytest.param("ENA_ETHERNET", "WC", id="ena"),
    pytest.param("LIBNVDIMM", "WB", id="libnvdimm: ARCH_MEMREMAP_PMEM"),
    pytest.param("ACPI_NFIT", "WB", id="nfit"),
    pytest.param("BLK_DEV_PMEM", "WB", id="pmem"),
    pytest.param("X86_PMEM_LEGACY", "WB", id="e820 pmem"),
    pytest.param("AGP", "UC- WC", id="agp: set_memory_uc, ioremap_wc"),
    pytest.param("AGP_INTEL", "UC- WC", id="agp: intel"),
    pytest.param("VFIO_PCI", "WC UC-", id="vfio-pci"),
    pytest.param("NTB", "WC UC-", id="ntb"),
    pytest.param("DRM_ACCEL_IVPU", "WC UC-", id="ivpu"),
    pytest.param("SND_HDA_INTEL", "WC UC-", id="snd: memalloc"),
    pytest.param("XEN_FBDEV_FRONTEND", "WB", id="xen fbfront: WB only"),
    pytest.param("DRM_XEN_FRONTEND", "WB", id="xen drm front: WB only"),
    pytest.param("XEN_BLKDEV_FRONTEND", "WB", id="xen blkfront: no cache-mode call"),
    pytest.param("XEN_NETDEV_FRONTEND", "WB", id="xen netfront: no cache-mode call"),
]


def wanted(answer: Data, *, certain: bool) -> set[str]:
    return {need["wanted"] for need in answer["needs"] if need["certain"] is certain}


@pytest.mark.parametrize(("symbol", "types"), ROWS)
def test_built_in_is_certain(symbol: str, types: str) -> None:
    answer = ask(release="7.2.13", config=f"CONFIG_{symbol}=y\n")
    assert wanted(answer, certain=True) == {"WB", "UC-"} | set(types.split())


@pytest.mark.parametrize(("symbol", "types"), ROWS)
def test_a_module_is_possible(symbol: str, types: str) -> None:
    answer = ask(release="7.2.13", config=f"CONFIG_{symbol}=m\n")
    assert wanted(answer, certain=True) == {"WB", "UC-"}
    assert wanted(answer, certain=True) | wanted(answer, certain=False) == {"WB", "UC-"} | set(types.split())


def test_efifb_takes_its_type_from_the_efi_memory_attribute() -> None:
    """The row: WC, WT, WB, UC- by EFI memory attribute. WT is no need: see docs/decisions.md."""
    answer = ask(release="7.2.13", config="CONFIG_FB_EFI=y\n")
    assert wanted(answer, certain=True) | wanted(answer, certain=False) == {"WC", "WB", "UC-"}


def test_sme_wants_wp() -> None:
    """CONFIG_AMD_MEM_ENCRYPT: "WP wanted" - only where memory encryption is on, which a .config does not tell."""
    answer = ask(release="7.2.13", config="CONFIG_AMD_MEM_ENCRYPT=y\n")
    assert "WP" in wanted(answer, certain=True) | wanted(answer, certain=False)


def test_ioremap_is_in_every_configuration() -> None:
    assert needs(ask(release="7.2.13", config="CONFIG_64BIT=y\n")) == ALWAYS


def test_what_is_not_set_is_not_needed() -> None:
    assert needs(ask(release="7.2.13", config="# CONFIG_DRM_I915 is not set\nCONFIG_DRM_I915_GVT=y\n")) == ALWAYS


def test_nobody_needs_wt() -> None:
    config = "".join(f"CONFIG_{row.values[0]}=y\n" for row in ROWS if row.values[0] != "FB_EFI")
    answer = ask(release="7.2.13", config=config)
    assert "WT" not in wanted(answer, certain=True) | wanted(answer, certain=False)


# =y, =m, a module list, --driver. ----------------------------------------------------------------------------------

_ON_LINUX_LAYOUT = {"release": "3.2", "layout": LINUX_8}  # WC by the PAT bit is WB there: corruption


@pytest.mark.parametrize(
    ("stated", "verdict"),
    [
        pytest.param({"config": "CONFIG_DRM_RADEON=y\n"}, "incompatible", id="=y is certain"),
        pytest.param({"config": "CONFIG_DRM_RADEON=m\n"}, "conditional", id="=m alone caps at conditional"),
        pytest.param(
            {"config": "CONFIG_DRM_RADEON=m\n", "modules": ["radeon"]}, "incompatible", id="=m, and it is loaded"
        ),
        pytest.param(
            {"config": "CONFIG_DRM_RADEON=m\n", "modules": ["ext4"]}, "compatible", id="=m, and it is not loaded"
        ),
        pytest.param({"config": "CONFIG_DRM_RADEON=y\n", "modules": ["ext4"]}, "incompatible", id="=y needs no module"),
        pytest.param({"modules": ["radeon"]}, "incompatible", id="a module list alone"),
        pytest.param({"drivers": ["radeon"]}, "incompatible", id="--driver is certain"),
        pytest.param(
            {"config": "CONFIG_DRM_RADEON=m\n", "drivers": ["radeon"]}, "incompatible", id="--driver beside =m"
        ),
        pytest.param(
            {"config": "CONFIG_DRM_RADEON=m\nCONFIG_DRM_NOUVEAU=y\n"}, "incompatible", id="one certain, one possible"
        ),
        pytest.param({"config": "CONFIG_EXT4_FS=y\n"}, "compatible", id="nothing that needs WC"),
    ],
)
def test_what_is_certain_decides(stated: Data, verdict: str) -> None:
    assert ask(**_ON_LINUX_LAYOUT, **stated)["verdict"] == verdict


def test_a_possible_need_names_the_driver() -> None:
    answer = ask(**_ON_LINUX_LAYOUT, config="CONFIG_DRM_RADEON=m\n")
    (finding,) = [one for one in fired(answer, "ENC010") if one["verdict"] == "conditional"]
    assert "radeon" in (finding["message"] + str(finding.get("assumption"))).lower()


def test_a_possible_need_never_makes_a_verdict_worse_than_a_certain_one() -> None:
    """=m on a layout without WC: slower at worst, and that stays degraded."""
    assert ask(release="7.2.13", layout=RESET, config="CONFIG_DRM_RADEON=m\n")["verdict"] == "degraded"


# NVIDIA's nv-pat: WC at index 1, or in no entry. -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layout", "supported"),
    [
        pytest.param(XEN, False, id="Xen: WC at 4"),
        pytest.param(LINUX_8, True, id="Linux: WC at 1"),
        pytest.param(LINUX_4, True, id="Linux's four: WC at 1 and 5"),
        pytest.param(NVIDIAS_OWN, True, id="NVIDIA's builtin"),
        pytest.param("0x0000050100070106", False, id="Keir's: in the pairs i, i+4 the WC at 4 is found before 1"),
        pytest.param("0x0001050600070406", False, id="FreeBSD: WC at 6"),
        pytest.param("0x0007010500070406", False, id="FreeBSD 8: WC at 5, the pair of 1, is not 1"),
        pytest.param("0x0001040600010406", False, id="WC at 2"),
    ],
)
@pytest.mark.parametrize("release", ["5.15.132", "6.1.192", "7.2.13"])
def test_nvidia_nv_pat_wants_wc_at_index_1(layout: str, supported: bool, release: str) -> None:
    answer = ask(release=release, layout=layout, drivers=["nvidia-nv-pat"])
    assert (not fired(answer, "DRV010")) is supported
    assert (answer["verdict"] == "compatible") is supported
    if not supported:
        assert index(answer, "WC") == "refused by driver"
        assert answer["verdict"] == "incompatible"
        assert "PAT configuration unsupported" in mapping(answer, "WC")["refused"]["why"] + str(fired(answer, "DRV010"))
    assert not fired(ask(release=release, layout=layout, drivers=["nvidia"]), "DRV010")  # 6xx dropped the test


def test_nvidia_nv_pat_without_any_wc_builds_its_own() -> None:
    """ "none -> builtin": not unsupported. As a PV guest it cannot write IA32_PAT, so WC it has none (incident 4)."""
    answer = ask(release="7.2.13", layout=RESET, drivers=["nvidia-nv-pat"])
    assert not fired(answer, "DRV010")
    assert answer["verdict"] == "degraded"


def test_a_loaded_module_called_nvidia_does_not_tell_its_version() -> None:
    """Before 6xx and since, the module is nvidia.ko: under Xen's layout that decides, so it is not compatible."""
    assert ask(release="7.2.13", modules=["nvidia"])["verdict"] in {"indeterminate", "conditional", "incompatible"}
    assert ask(release="7.2.13", modules=["nvidia"], layout=LINUX_8)["verdict"] == "compatible"


# i915 asks pat_enabled() from 5.17 on, CPUID before. ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("release", "stated", "refuses"),
    [
        pytest.param("4.7.4", {}, False, id="4.7: pat_enabled() false, not asked"),
        pytest.param("5.10.7", {}, False, id="5.10.7: boot_cpu_has(X86_FEATURE_PAT)"),
        pytest.param("5.15.132", {}, False, id="5.15: boot_cpu_has(X86_FEATURE_PAT)"),
        pytest.param("5.16", {}, False, id="5.16"),
        pytest.param("5.17", {}, True, id="5.17: pat_enabled() false under PV"),
        pytest.param("5.17.5", {}, True, id="5.17.5: qubes-issues 7479"),
        pytest.param("5.18.19", {}, True, id="5.18"),
        pytest.param("5.19.5", {}, True, id="5.19.5"),
        pytest.param("5.19.6", {}, False, id="5.19.6: fixed (facts 2)"),
        pytest.param("6.0-rc2", {}, True, id="6.0-rc2"),
        pytest.param("6.0-rc3", {}, False, id="6.0-rc3: fixed (facts 2)"),
        pytest.param("6.0.19", {}, False, id="6.0.19"),
        pytest.param("6.1.192", {}, False, id="6.1"),
        pytest.param("6.1.192", {"cmdline": "nopat"}, True, id="6.1 with nopat"),
        pytest.param("7.2.13", {"cmdline": "nopat"}, True, id="7.2 with nopat: pat_enabled() false (1.2)"),
        pytest.param("7.2.13", {}, False, id="7.2"),
        pytest.param("5.10.7", {"hide_cpuid_pat": True}, True, id="5.10 with CPUID.PAT hidden"),
        pytest.param("7.2.13", {"hide_cpuid_pat": True}, True, id="7.2 with CPUID.PAT hidden"),
    ],
)
def test_i915_and_pat_enabled(release: str, stated: Data, refuses: bool) -> None:
    """On Linux's layout, where the loss of the PAT bit does not touch WC, so nothing else is found."""
    answer = ask(release=release, layout=LINUX_8, drivers=["i915"], **stated)
    assert (index(answer, "WC") == "refused by driver") is refuses
    assert bool(fired(answer, "DRV020")) is refuses
    assert answer["verdict"] == ("incompatible" if refuses else "compatible")


def test_i915_without_x86_pat_is_refused_wc() -> None:
    """3.1: "DRM_I915 without X86_PAT leads to refused WC mmaps"."""
    config = "CONFIG_DRM_I915=y\nCONFIG_MTRR=y\n# CONFIG_X86_PAT is not set\n"
    assert index(ask(release="6.1.192", config=config), "WC") == "refused by driver"


def test_i915_is_not_refused_in_hvm_by_the_gap_of_5_17() -> None:
    """The gap is that of guests without MTRRs: an HVM guest has them."""
    answer = ask(release="5.17.5", mode="hvm", devices=True, drivers=["i915"])
    assert (pat_type(answer, "WC"), answer["verdict"]) == ("WC", "compatible")
    blind = ask(release="5.17.5", mode="hvm", devices=True, drivers=["i915"], hide_cpuid_mtrr=True)
    assert index(blind, "WC") == "refused by driver"


def test_a_possible_i915_caps_at_conditional() -> None:
    answer = ask(release="5.17.5", layout=LINUX_8, config="CONFIG_DRM_I915=m\n")
    assert (worst(answer, "DRV020"), answer["verdict"]) == ("conditional", "conditional")
