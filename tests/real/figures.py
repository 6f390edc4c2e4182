"""What was found once, by hand and with binutils, in packages of Debian: figures of these versions and no others."""

from typing import NamedTuple


class KernelFigures(NamedTuple):
    """A kernel of Debian 12 on amd64; sizes and offsets in bytes."""

    asked: str  # the package that stands for the newest one
    version: str
    release: str
    date: str
    file_bytes: int
    method: str
    payload_bytes: int
    unpacked_bytes: int
    features: str
    supported: int
    entry: int | None
    pvh_entry: int
    config_lines: int

    @property
    def series(self) -> str:
        """As in 6.1."""
        return ".".join(self.version.split(".")[:2])

    @property
    def is_cloud(self) -> bool:
        """Whether it is built for virtual machines alone."""
        return "cloud" in self.asked


_DOM0 = 1 << 11
_OF_6_1, _OF_6_12 = "!writable_page_tables|pae_pgdir_above_4gb", "!writable_page_tables"
KERNELS = (
    KernelFigures(
        "linux-image-amd64", "6.1.192-2", "6.1.0-56-amd64", "2026-11-16", 8247232, "xz", 0x7BF070, 65906612,
        _OF_6_1, 0x8801, 0xFFFFFFFF830791C0, 0x1000850, 10644,
    ),
    KernelFigures(
        "linux-image-cloud-amd64", "6.1.192-2", "6.1.0-56-cloud-amd64", "2026-11-16", 14186432, "lz4", 0xD696CC,
        53243444, _OF_6_1, 0x8801, None, 0x1000850, 4953,
    ),
    KernelFigures(
        "linux-image-6.12-amd64", "6.12.117-1~deb12u1", "6.12.117+deb12-amd64", "2026-11-14", 12085184, "zstd",
        0xB4A230, 57647116, _OF_6_12, 0x8801, 0xFFFFFFFF8334E600, 0x1000A30, 11465,
    ),
    KernelFigures(
        "linux-image-6.12-cloud-amd64", "6.12.117-1~deb12u1", "6.12.117+deb12-cloud-amd64", "2026-11-14", 11655104,
        "zstd", 0xAE1992, 57575404, _OF_6_12, 0x8001, None, 0x1000A30, 5296,
    ),
)  # fmt: skip

#: The boot header of all of them. init_size was written down of the first one alone.
HEADER = {
    "protocol": "2.15",
    "setup_sects": 39,
    "hardware_subarch": 0,
    "xloadflags": "0x7f",
    "payload_offset": "0x2cc",
    "pref_address": "0x1000000",
}
VERSION_POINTER, PAYLOAD_AT, LZ4_BLOCKS = 0x42C0, 0x52CC, 7
INIT_SIZES = {"linux-image-amd64": "0x3f98000"}

#: What every one of them tells Xen, beside FEATURES, SUPPORTED_FEATURES and the entry points.
NOTES = {
    "GUEST_OS": "linux",
    "GUEST_VERSION": "2.6",
    "XEN_VERSION": "xen-3.0",
    "VIRT_BASE": "0xffffffff80000000",
    "INIT_P2M": "0x8000000000",
    "PAE_MODE": "yes",
    "LOADER": "generic",
    "L1_MFN_VALID": "mask 0x1, value 0x1",
    "SUSPEND_CANCEL": "0x1",
    "MOD_START_PFN": "0x1",
    "PADDR_OFFSET": "0x0",
}
NOTES_OF = {
    "6.1": {"HV_START_LOW": "0xffff800000000000"},
    "6.12": {"PHYS32_RELOC": "align 0x200000, min 0x1000000, max 0x3fffffff"},
}
SUPPORTED = {
    0x8801: ["writable_page_tables", "dom0", "linux_rsdp_unrestricted"],
    0x8001: ["writable_page_tables", "linux_rsdp_unrestricted"],
}

#: Texts in the unpacked kernel: in all, and in one series and not in the other.
TELLTALES = ("PAT support disabled by the firmware", "Booting kernel on", "PAT: [mem")
TELLTALES_OF = {
    "6.1": ("MTRRs disabled, skipping PAT",),
    "6.12": ("MTRRs set to read-only", "MTRR map: "),
}

#: The .config of all of them, by value; `n` is written as "is not set", or not at all.
CONFIG = {
    "y": "X86_PAT MTRR MTRR_SANITIZER XEN XEN_PV XEN_PV_SMP XEN_PVHVM XEN_PVHVM_GUEST XEN_PVH XEN_512GB "
         "XEN_PV_MSR_SAFE SWIOTLB_XEN XEN_BACKEND XEN_SYS_HYPERVISOR XEN_FBDEV_FRONTEND PARAVIRT PARAVIRT_XXL "
         "PARAVIRT_SPINLOCKS PVH HYPERVISOR_GUEST KVM_GUEST AMD_MEM_ENCRYPT X86_MEM_ENCRYPT STRICT_DEVMEM "
         "IO_STRICT_DEVMEM DEVMEM DEBUG_FS EXPERT FB FB_EFI",
    "m": "XEN_PRIVCMD XEN_PCIDEV_FRONTEND XEN_PCIDEV_BACKEND INFINIBAND MLX5_INFINIBAND MLX5_CORE LIBNVDIMM ACPI_NFIT "
         "BLK_DEV_PMEM X86_PMEM_LEGACY",
    "n": "IKCONFIG CMDLINE_BOOL SYSFB_SIMPLEFB",
    "0": "MTRR_SANITIZER_ENABLE_DEFAULT",
    "1": "MTRR_SANITIZER_SPARE_REG_NR_DEFAULT",
    "8192": "NR_CPUS",
    "120200": "GCC_VERSION",
    "0x1000000": "PHYSICAL_START",
}  # fmt: skip
CONFIG_OF = {
    "6.1": {"y": "ARCH_USES_PG_UNCACHED", "n": "ARCH_USES_PG_ARCH_2 INTEL_TDX_GUEST"},
    "6.12": {"y": "ARCH_USES_PG_ARCH_2 INTEL_TDX_GUEST", "n": "ARCH_USES_PG_UNCACHED"},
}
CONFIG_WITH_HARDWARE = {"y": "XEN_DOM0 XEN_PV_DOM0 FB_VESA AGP", "m": "DRM DRM_I915 DRM_AMDGPU DRM_RADEON DRM_NOUVEAU"}
CONFIG_OF_CLOUDS = {"n": "XEN_DOM0 XEN_PV_DOM0 FB_VESA AGP DRM DRM_I915 DRM_AMDGPU DRM_RADEON DRM_NOUVEAU"}


def expected_config(kernel: KernelFigures) -> dict[str, str]:
    """The symbols of a kernel's .config that were looked up, with their values."""
    parts = (CONFIG, CONFIG_OF[kernel.series], CONFIG_OF_CLOUDS if kernel.is_cloud else CONFIG_WITH_HARDWARE)
    return {name: value for part in parts for value, names in part.items() for name in names.split()}


def claims_dom0(kernel: KernelFigures) -> bool:
    """Whether its note says that it can be a dom0."""
    return bool(kernel.supported & _DOM0)


GRUB_VERSION = "2.06-13+deb12u2"
#: Notes of images that GRUB's own tool makes. The last one of the 32-bit PV image claims 12 bytes and is cut off.
GRUB = {
    "x86_64-xen": (64, {"GUEST_OS": "GRUB", "LOADER": "generic", "XEN_VERSION": "xen-3.0", "ENTRY": "0x0",
                        "VIRT_BASE": "0x0"}),
    "i386-xen": (32, {"GUEST_OS": "GRUB", "LOADER": "generic", "XEN_VERSION": "xen-3.0", "ENTRY": "0x0",
                      "VIRT_BASE": "0x0"}),
    "i386-xen_pvh": (32, {"PHYS32_ENTRY": "0x100000"}),
}  # fmt: skip
GRUB_CUT = "i386-xen"

MACH_VERSION = "2:1.8+git20221224-2"
#: Its notes have the owner "name", so that Xen does not see them; type and descriptor of each.
MACH_NOTES = [
    (6, b"GNU Mach\0"),
    (7, b"1.3\0"),
    (5, b"xen-3.0\0"),
    (3, (0x40000000).to_bytes(8, "little")),
    (4, (0x40000000).to_bytes(8, "little")),
    (1, (0x40000000).to_bytes(8, "little")),
    (2, (0x40002000).to_bytes(8, "little")),
    (8, b"generic\0"),
    (10, b"\0"),
]
#: What its section __xen_guest says.
MACH_LEGACY = {"GUEST_OS": "GNU Mach", "VIRT_BASE": "0x40000000", "HYPERCALL_PAGE": "0x2", "LOADER": "generic"}

XEN_VERSION = "4.17.7+13-g2445b30a44-0+deb12u1"
XEN_RELEASE = "4.17.7"
XEN_LAYOUT = 0x0000050100070406
RESET, LINUX_LAYOUT = 0x0007040600070406, 0x0407050600070106
#: In the unpacked xen.gz: how often the values are built in as 64 bits, where one `movabs` of Xen's own is, and how
#: often that is loaded as two halves.
XEN_HITS = {XEN_LAYOUT: 3, RESET: 4, LINUX_LAYOUT: 0}
XEN_MOVABS_AT = 0xF1200
XEN_PAIRS = 3
