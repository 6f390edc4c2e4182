"""Every manual section, source file and thread that a table or a rule rests on.

A citation has one of two forms: a document and a section, as in `Intel SDM vol. 3A, "IA32_PAT MSR"`, or a file of a
repository at a commit (or at a package's version), as in `xen: xen/arch/x86/mm.c@c61a6f74f8, get_page_from_l1e()`.
The SDM is cited by section title: its table and section numbers move between editions.
"""

from typing import Final

# Processors
SDM_PAT_MSR: Final = 'Intel SDM vol. 3A, "IA32_PAT MSR"'
SDM_PAT_INDEX: Final = 'Intel SDM vol. 3A, "Selecting a Memory Type from the PAT"'
SDM_PAT_RESET: Final = 'Intel SDM vol. 3A, "Programming the PAT"'
SDM_EFFECTIVE: Final = (
    'Intel SDM vol. 3A, "Selecting Memory Types for Pentium III and More Recent Processor Families" '
    "(effective page-level memory types)"
)
SDM_METHODS: Final = 'Intel SDM vol. 3A, "Methods of Caching Available"'
SDM_ALIASES: Final = 'Intel SDM vol. 3A, "Programming the PAT" (mappings of one page with different types)'
SDM_WC: Final = 'Intel SDM vol. 3A, "Buffering of Write Combining Memory Locations"'
SDM_MTRR: Final = 'Intel SDM vol. 3A, "Memory Type Range Registers (MTRRs)"'
SDM_MTRR_PRECEDENCE: Final = 'Intel SDM vol. 3A, "MTRR Precedences"'
SDM_MTRR_DEFAULT: Final = 'Intel SDM vol. 3A, "IA32_MTRR_DEF_TYPE MSR"'
SDM_CACHE_DISABLE: Final = 'Intel SDM vol. 3A, "Preventing Caching"'
SDM_EPT: Final = 'Intel SDM vol. 3C, "EPT and Memory Typing"'
AMD_EFFECTIVE: Final = 'AMD64 APM vol. 2, "Combined Effect of MTRRs and PAT"'
AMD_NESTED: Final = 'AMD64 APM vol. 2, "Combining Guest and Host PAT Types" (nested paging)'
INTEL_PAT_ERRATA: Final = (
    'Intel specification updates, Pentium III E27, Pentium 4 N46, Celeron C30: "PAT Index MSB May Be Calculated '
    'Incorrectly" and its like'
)
BOCHS_MEMTYPE: Final = "bochs: bochs/cpu/paging.cc@783b58fd6d, resolve_memtype()"

# Xen
XEN_MSR_PAT: Final = "xen: xen/arch/x86/include/asm/processor.h@c447b7308b, XEN_MSR_PAT"
XEN_HOST_PAT: Final = "xen: xen/arch/x86/setup.c@fedeb68b58, host_pat (3.2)"
XEN_DERIVED_PAT: Final = "xen: xen/arch/x86/mm.c@4b40d68e66, XEN_MSR_PAT from X86_MT_* (4.18)"
XEN_S3_3_4: Final = "xen: xen/arch/x86/acpi/power.c@38651997ed (3.4)"
XEN_S3_4_18: Final = "xen: xen/arch/x86/acpi/wakeup_prot.S@4d975798e1 (4.18, 4.17.1, 4.16.4)"
XEN_PAGE_FLAGS: Final = "xen: xen/arch/x86/include/asm/page.h@1be8707c75, _PAGE_WB to _PAGE_WP"
XEN_PUBLIC_HEADER: Final = "xen: xen/include/public/xen.h@3829655bd3, comment of MMU_NORMAL_PT_UPDATE (4.4)"
XEN_PUBLIC_HEADER_4_2: Final = "xen: xen/include/public/xen.h@5e3758f22b, the same with wrong columns (4.2, 4.3)"
XEN_BUILD_ASSERTION: Final = "xen: xen/arch/x86/mm.c@4b40d68e66, build_assertions(), BUILD_BUG_ON on XEN_MSR_PAT (4.18)"
XEN_MMIO_BY_INDEX: Final = "xen: xen/arch/x86/mm.c@c61a6f74f8, get_page_from_l1e() (4.7, XSA-154)"
XEN_MMIO_BY_TYPE: Final = "xen: xen/arch/x86/mm.c@40b05620e2, get_page_from_l1e() (4.18)"
XEN_L1_MASK_OLD: Final = "xen: xen/include/asm-x86/x86_32/page.h@3052b875c7^, BASE_DISALLOW_MASK 0x180 (3.0, 3.1)"
XEN_L1_MASK: Final = "xen: xen/include/asm-x86/page.h@3052b875c7, BASE_DISALLOW_MASK 0x198 (3.2)"
XEN_FLUSH_PERMITTED: Final = "xen: xen/arch/x86/include/asm/iocap.h@8333e358e4, cache_flush_permitted()"
XEN_RDMSR_OLD: Final = "xen: xen/arch/x86/pv/emul-priv-op.c@ba28efb242^, read_msr(), write_msr() (up to 4.14)"
XEN_RDMSR: Final = "xen: xen/arch/x86/msr.c@ba28efb242, guest_rdmsr() (4.15)"
XEN_CPUID_PAT: Final = "xen: xen/include/public/arch-x86/cpufeatureset.h@c447b7308b, PAT"
XEN_DIRECT_MAP: Final = "xen: xen/arch/x86/mm.c@55f97f49b7, update_xen_mappings() (3.2 to 4.16)"
XEN_NO_DIRECT_MAP: Final = "xen: xen/arch/x86/mm.c@ae09597da3 (4.17, XSA-402)"
XEN_NON_COHERENT: Final = "xen: xen/arch/x86/mm.c@c1c9cae3a9, PGT_non_coherent (4.17, XSA-402)"
XEN_SHADOW: Final = "xen: xen/arch/x86/hvm/mtrr.c@c447b7308b, get_pat_flags() and pat_type_2_pte_flags()"
XEN_MM_TYPE: Final = "xen: xen/arch/x86/hvm/mtrr.c@fedeb68b58, mm_type_tbl"
XEN_NESTED_P2M: Final = "xen: xen/arch/x86/mm/p2m-pt.c@c447b7308b, p2m_type_to_flags()"
XEN_LIBELF: Final = "xen: xen/common/libelf/libelf-dominfo.c@c447b7308b, elf_xen_parse()"
XEN_PVH: Final = "xen: xen/arch/x86/hvm/dom0_build.c@c447b7308b (PVH of today since 4.10; a first try of it from 4.4)"
XEN_PVH_MTRR: Final = "xen: xen/arch/x86/hvm/mtrr.c@a1c1ae0b0f (PVH: MTRRs on, WB by default, 4.12)"
XEN_EPT: Final = "xen: xen/arch/x86/mm/p2m-ept.c@c447b7308b, epte_get_entry_emt()"
XEN_EPT_FOREIGN: Final = "xen: xen/arch/x86/mm/p2m-ept.c@8af4b47f06 (4.16)"
XEN_SAVE: Final = "xen: tools/libs/guest/xg_sr_save_x86_pv.c@c447b7308b, normalise_pagetable()"
XEN_RESTORE: Final = "xen: tools/libs/guest/xg_sr_restore_x86_pv.c@c447b7308b"
XEN_ELF_NOTES: Final = "xen: xen/include/public/elfnote.h@c447b7308b"
XEN_PINNED: Final = "xen: xen/arch/x86/hvm/mtrr.c@d484dcca79 (XSA-428), XEN_DMOP_pin_memory_cacheattr"
QUBES_PAT: Final = "QubesOS/qubes-vmm-xen: 1018-x86-Use-Linux-s-PAT.patch@4dcfdda96a"
XSA_402: Final = 'Xen Security Advisory 402, "x86 pv: Insufficient care with non-coherent mappings"'

# Linux
LINUX_PAT_INIT: Final = "Debian linux-source-7.2: arch/x86/mm/pat/memtype.c@7.2.13-1, pat_bp_init()"
LINUX_PAT_FOUR: Final = "linux: arch/x86/mm/pat.c@2e5d9c857d, pat_init() (2.6.26)"
LINUX_PAT_4_2: Final = "mlpzaq9998/linux-4.2: arch/x86/mm/pat.c@7df6e3aebda4, pat_init()"
LINUX_CACHE_TABLES_3_19: Final = "yuanguohuo/linux-3.19.8: arch/x86/mm/init.c@a38bf8b12dbc, update_cache_mode_entry()"
LINUX_CACHE_TABLES: Final = (
    "Debian linux-source-7.2: arch/x86/mm/init.c@7.2.13-1, __cachemode2pte_tbl and update_cache_mode_entry()"
)
LINUX_INIT_CACHE_MODES: Final = "calebwilliamsd/linux-4.7.4-casio: arch/x86/kernel/cpu/mtrr/main.c@01851de9bbf8 (4.7)"
LINUX_XEN_TRANSLATES: Final = "linux: arch/x86/xen/mmu.c@41f2e4771a4f, xen_make_pte()"
LINUX_XEN_MASKS_DOMU: Final = "linux: arch/x86/xen/enlighten.c@05345b0f006, __supported_pte_mask (2.6.26)"
LINUX_XEN_MASKS: Final = "jpaton/linux-3.3-LJX1-xen-686: arch/x86/xen/enlighten.c@4d4e3e5858aa (8eaffa67b43e, 3.3)"
LINUX_XEN_STRIPS_PCD: Final = "linux: arch/x86/xen/mmu.c@2c80b01bea (2.6.24)"
LINUX_XEN_STRIPS: Final = "linux: arch/x86/xen/mmu.c@v2.6.25, xen_make_pte()"
LINUX_NATIVE_BITS: Final = "cocojk/linux-2.6.30.4: arch/x86/include/asm/pgtable.h@ce6d0a3878ab, _PAGE_CACHE_WC"
LINUX_JEREMY: Final = "keshav143/xenified-PV-kernel: arch/x86/xen/mmu.c@da92400e2584 (2.6.32.27)"
LINUX_PAT_BIT_LOSS: Final = "linux: arch/x86/include/asm/pgtable_types.h@548cb932051f, _PAGE_CHG_MASK"
LINUX_STABLE: Final = (
    'stable review of September 2023, "6.5.3-rc1, 6.1.53-rc1, 5.15.132-rc1; queued for 5.10.y and 6.4.y" (548cb932051f)'
)
LINUX_REFUSALS: Final = "Debian linux-source-7.2: arch/x86/include/asm/pgtable.h@7.2.13-1, is_new_memtype_allowed()"
LINUX_KCONFIG: Final = "Debian linux-source-7.2: arch/x86/xen/Kconfig@7.2.13-1"
LINUX_CONFDATA: Final = "Debian linux-source-7.2: scripts/kconfig/confdata.c@7.2.13-1"
LINUX_PVH: Final = "linuxzjs/linux-4.14: arch/x86/xen/Kconfig@7b102d5dac53, XEN_PVH"
LINUX_PAT_ENABLED: Final = "linux: arch/x86/mm/pat/memtype.c@72cbc8f04fe2, pat_enabled() (6.0-rc3, 5.19.6)"
LINUX_I915_ASKS: Final = "linux: drivers/gpu/drm/i915/gem/i915_gem_mman.c@bdd8b6c98239 (5.17)"
LINUX_MEMTYPE: Final = "Debian linux-source-7.2: arch/x86/mm/pat/memtype.c@7.2.13-1, memtype_reserve()"
LINUX_MEMTYPE_INVALID: Final = "linux: arch/x86/mm/pat/memtype.c@90b926e68f50 (reverted by f9f57da2c2d1)"
LINUX_MTRR_PV: Final = "sndrzt/linux-6.5: arch/x86/xen/enlighten_pv.c@4f5cdb332210, MTRRs of a PV guest (6.5)"
LINUX_PAT_WITHOUT_MTRR: Final = "daniellucs2002/linux-6.2.1-customized: arch/x86/kernel/cpu/cacheinfo.c@9a50c8f9bea1"
LINUX_PAT_OFF_4_2: Final = "mlpzaq9998/linux-4.2: arch/x86/mm/pat.c@7df6e3aebda4, pat_disable()"
LINUX_PAT_OFF_3_19: Final = "yuanguohuo/linux-3.19.8: arch/x86/mm/pat.c@a38bf8b12dbc, pat_disable()"
LINUX_WP: Final = "Debian linux-source-7.2: arch/x86/mm/init.c@7.2.13-1, x86_has_pat_wp()"
LINUX_I915: Final = "Debian linux-source-7.2: drivers/gpu/drm/i915/gem/i915_gem_mman.c@7.2.13-1"
LINUX_TTM: Final = "Debian linux-source-7.2: drivers/gpu/drm/ttm/ttm_module.c@7.2.13-1, ttm_prot_from_caching()"
LINUX_DRIVERS: Final = 'Debian linux-source-7.2 7.2.13-1, "drivers/: call sites of ioremap_wc(), pgprot_writecombine()"'
LINUX_LIBNVDIMM: Final = "Debian linux-source-7.2: include/linux/libnvdimm.h@7.2.13-1"

# Other guests
XENLINUX_BITS: Final = (
    "bronson/linux-2.6.18.8-ovz-xen: arch/i386/mm/ioremap-xen.c@579a0b7dcc6f, ioremap_nocache(); pgprot_noncached()"
)
SUSE_BITS: Final = "walbon/openSUSE-kernel: arch/x86/include/mach-xen/asm/pgtable_types.h@ed3ac20dba63"
FREEBSD_PAT: Final = 'FreeBSD sys/amd64/amd64/pmap.c, "pmap_init_pat()"'
FREEBSD_8_PAT: Final = 'FreeBSD 8 sys/i386/xen/pmap.c, "pmap_init_pat()"'
NETBSD_PMAP: Final = 'NetBSD sys/arch/x86/x86/pmap.c, "pat_init(), XENPV"'
NETBSD_PMAP_OLD: Final = "NetBSD/src: sys/arch/x86/x86/pmap.c@009ab26765c2, pat_init()"
OPENBSD_PAT: Final = 'OpenBSD sys/arch/amd64/amd64/cpu.c, "PATENTRY"'
ILLUMOS_PAT: Final = 'illumos usr/src/uts, "x86_archext.h, startup.c pat_sync(), hat_i86.c"'
MINI_OS: Final = "mirage/mini-os: arch/x86/mm.c@48d3b31"
UNIKRAFT: Final = "unikraft/unikraft: plat/common/x86/paging.c@eaf6fda1, pgarch_init()"
SOLO5: Final = "Solo5/solo5: bindings/xen/boot.S@469c1a8"
GRUB_XEN: Final = 'Debian grub-xen-bin 2.06, "notes of the images of grub-mkimage"'
GNUMACH: Final = 'Debian gnumach 1.8, "gnumach-1.8-xen-486"'
WINDOWS_PAT: Final = 'Windows, "PAT of the kernel as seen in guests" (not seen in text)'
NVIDIA_PAT: Final = 'NVIDIA open-gpu-kernel-modules, "nv-pat.c, nv_determine_pat_mode()"'
SERENITY_PAT: Final = 'SerenityOS/serenity, "pull request 12140"'
ASTERINAS_PAT: Final = 'asterinas/asterinas, "pull request 2570"'
REACTOS_PAT: Final = 'reactos/reactos, "pull request 9075"'

# Threads and reports
XEN_DEVEL_2010: Final = 'xen-devel, 29 March 2010, "Xen\'s use of PAT and PV guests" (4BB1476D.4060209@goop.org)'
XEN_WC_WT_2023: Final = (
    'xen-devel and intel-gfx, January 2023, "i915 and PAT attributes": WC as WT shows no glitch, as WB it does'
)
LKML_2009: Final = 'linux-kernel, 9 May 2009, "[PATCH 06/16] xen: disable PAT" (Keir Fraser: WC at PA1)'
QUBES_7479: Final = 'QubesOS/qubes-issues, "issue 7479"'
QUBES_9501: Final = 'QubesOS/qubes-issues, "issue 9501"'
ACRN_108: Final = 'projectacrn/acrn-hypervisor, "pull request 108"'
CLOUD_HYPERVISOR_1752: Final = 'cloud-hypervisor/cloud-hypervisor, "issue 1752"'

# What a scenario states
STATED_BITS: Final = 'the scenario, "encodings": stated, not read in a source'
STATED_LAYOUT: Final = 'the scenario, "layout": the layout that it states for this platform'
STATED_FACTS: Final = 'the scenario, "guests": what it states of this guest'
SENT_SOURCE: Final = 'the scenario, "proposal.source": what the patch or source of Xen shows that was sent'
SENT_FILES: Final = 'the scenario, "facts": what the files say that were sent with this guest'
OBSERVED_LAYOUT: Final = 'the scenario, "observed_pat": the layout that a boot log of this guest shows'
