"""Every manual section and source file that a table or a rule rests on.

The SDM is cited by section title: its table and section numbers move between editions.
"""

from typing import Final

SDM_PAT_MSR: Final = 'Intel SDM vol. 3A, "IA32_PAT MSR"'
SDM_PAT_INDEX: Final = 'Intel SDM vol. 3A, "Selecting a Memory Type from the PAT"'
SDM_PAT_RESET: Final = 'Intel SDM vol. 3A, "Programming the PAT"'
SDM_EFFECTIVE: Final = (
    'Intel SDM vol. 3A, "Selecting Memory Types for Pentium III and More Recent Processor Families" '
    "(effective page-level memory types)"
)
SDM_METHODS: Final = 'Intel SDM vol. 3A, "Methods of Caching Available"'
SDM_WC: Final = 'Intel SDM vol. 3A, "Buffering of Write Combining Memory Locations"'
AMD_EFFECTIVE: Final = 'AMD64 APM vol. 2, "Combined Effect of MTRRs and PAT"'
INTEL_PAT_ERRATA: Final = (
    'Intel specification updates: Pentium III E27, Pentium 4 N46, Celeron C30 ("PAT Index MSB May Be Calculated '
    'Incorrectly" and its like)'
)

XEN_MSR_PAT: Final = "xen: arch/x86/include/asm/processor.h, XEN_MSR_PAT; first written by fedeb68b58 (3.2)"
XEN_PAGE_FLAGS: Final = "xen: arch/x86/include/asm/page.h, _PAGE_WB to _PAGE_WP (1be8707c75)"
XEN_PUBLIC_HEADER: Final = (
    "xen: include/public/xen.h, comment of MMU_NORMAL_PT_UPDATE (5e3758f22b, with wrong columns in 4.2 and 4.3; right "
    "from 4.4 by 3829655bd3)"
)
XEN_BUILD_ASSERTION: Final = "xen: arch/x86/mm.c, build_assertions(), BUILD_BUG_ON on XEN_MSR_PAT (4.18)"
XEN_MMIO_BY_INDEX: Final = "xen: arch/x86/mm.c, get_page_from_l1e() as of c61a6f74f8 (4.7, XSA-154)"
XEN_MMIO_BY_TYPE: Final = "xen: arch/x86/mm.c, get_page_from_l1e() as of 40b05620e2 (4.18)"
XEN_L1_MASK: Final = "xen: arch/x86/mm.c, L1 disallow mask and cache_flush_permitted() (3052b875c7, 3.2)"
XEN_SHADOW: Final = "xen: arch/x86/hvm/mtrr.c, get_pat_flags() and pat_type_2_pte_flags()"
XEN_NESTED_P2M: Final = "xen: arch/x86/mm/p2m-pt.c, p2m_type_to_flags()"
XEN_PVH: Final = "xen: PVH of today for guests since 4.10; 4.4 to 4.9 had a first try of it, now gone; none before"
XEN_EPT: Final = "xen: arch/x86/mm/p2m-ept.c, epte_get_entry_emt()"
XEN_SAVE: Final = (
    "xen: tools/libs/guest/xg_sr_save_x86_pv.c, normalise_pagetable(): only frame numbers are replaced; a mapped BAR "
    "stops the save"
)

LINUX_PAT_INIT: Final = "linux: arch/x86/mm/pat/memtype.c, pat_init()"
LINUX_PAT_FOUR: Final = "linux: arch/x86/mm/pat.c, pat_init() (2e5d9c857d, 2.6.26)"
LINUX_CACHE_TABLES: Final = (
    "linux: arch/x86/mm/init.c, __cachemode2pte_tbl and update_cache_mode_entry(); init_cache_modes() "
    "(47591df50512, 3.19)"
)
LINUX_XEN_TRANSLATES: Final = "linux: arch/x86/xen/mmu.c, xen_make_pte() (41f2e4771a4f)"
LINUX_XEN_MASKS: Final = (
    "linux: arch/x86/xen/enlighten.c, __supported_pte_mask without PWT and PCD (05345b0f006); from 3.3 PAT support "
    "disabled for all PV domains (8eaffa67b43e)"
)
LINUX_XEN_STRIPS_PCD: Final = "linux v2.6.24: arch/x86/xen/mmu.c, PCD removed from every entry (2c80b01bea)"
LINUX_XEN_STRIPS: Final = "linux v2.6.25: arch/x86/xen/mmu.c, PCD and PWT removed from every entry"
LINUX_NATIVE_BITS: Final = "linux 2.6.26 to 2.6.35: arch/x86/include/asm/pgtable.h, _PAGE_CACHE_WC is _PAGE_PWT"
LINUX_PAT_BIT_LOSS: Final = "linux: arch/x86/include/asm/pgtable_types.h, _PAGE_CHG_MASK; fixed by 548cb932051f"
LINUX_STABLE: Final = (
    "stable review mails of 11 and 17 September 2023: 548cb932051f in 6.5.3-rc1, 6.1.53-rc1 and 5.15.132-rc1; push of "
    "11 September 2023 to linux-stable-rc: da41f5e444bb of linux-5.10.y, 9c477900acac of linux-6.4.y"
)
LINUX_REFUSALS: Final = "linux: arch/x86/include/asm/pgtable.h, is_new_memtype_allowed()"
LINUX_KCONFIG: Final = "linux: scripts/kconfig/confdata.c; arch/x86/xen/Kconfig"
LINUX_PVH: Final = "linux: arch/x86/xen/Kconfig, XEN_PVH: absent in 3.6, PVHv1 from 3.18 to 4.9, PVHv2 from 4.14"
LINUX_PAT_ENABLED: Final = (
    "linux: arch/x86/mm/pat/memtype.c, pat_enabled(); asked by i915 since bdd8b6c98239 (5.17), true again under Xen PV "
    "since 72cbc8f04fe2 (6.0)"
)
LINUX_MEMTYPE_RAM: Final = "linux: arch/x86/mm/pat/memtype.c, reserve_ram_pages_type(): UC on RAM becomes UC-"
XENLINUX_BITS: Final = (
    "linux-2.6.18-xen: arch/i386/mm/ioremap-xen.c, include/asm-i386/mach-xen/asm/pgtable.h, arch/i386/pci/i386.c"
)
SUSE_BITS: Final = "SUSE XenLinux: arch/x86/include/mach-xen/asm/pgtable_types.h"
STATED_BITS: Final = "stated by a person, not by a source"
STATED_LAYOUT: Final = "the layout that the scenario states for this platform"
FREEBSD_PAT: Final = "FreeBSD: sys/amd64/amd64/pmap.c, pmap_init_pat()"
XEN_DEVEL_2010: Final = 'xen-devel, 29 Mar 2010, "Xen\'s use of PAT and PV guests"'
XEN_WC_WT_2023: Final = "xen-devel and intel-gfx, Jan 2023: WC mapped as WT shows no visible glitch, WC as WB does"
