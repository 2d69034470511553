/*
 * elf.c - finds the manifest note in an ELF file without mapping or running any of it
 *
 * Thread: any. Only the file header, the program headers and the PT_NOTE segments are read, each
 * bounded, through a reader that serves a file or memory. Nothing of the file is trusted: every
 * offset and length is checked against the file's size before it is used.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "core/host/internal.h"

#define ELF_PHDRS_MAX 256
#define ELF_NOTES_MAX (4u << 20) /* bytes in one PT_NOTE segment */

#if defined(__x86_64__)
#define ELF_MACHINE EM_X86_64
#define ELF_MACHINE_NAME "x86_64"
#elif defined(__aarch64__)
#define ELF_MACHINE EM_AARCH64
#define ELF_MACHINE_NAME "aarch64"
#else
#error "name this machine's e_machine here"
#endif
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ELF_DATA ELFDATA2LSB
#else
#define ELF_DATA ELFDATA2MSB
#endif

static const char *bb_elf_machine_name(unsigned machine)
{
    static const struct {
        unsigned machine;
        const char *name;
    } known[] = {
        {EM_X86_64, "x86_64"}, {EM_AARCH64, "aarch64"}, {EM_386, "i386"},     {EM_ARM, "arm"},
        {EM_RISCV, "riscv"},   {EM_PPC64, "ppc64"},     {EM_S390, "s390x"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].machine == machine)
            return known[i].name;
    }
    return "another machine";
}

static int bb_elf_header(const struct bb_elf_source *s, Elf64_Ehdr *h, struct bb_fault *err)
{
    if (s->size < sizeof(*h) || s->read(s, 0, h, sizeof(*h)) < 0 ||
        memcmp(h->e_ident, ELFMAG, SELFMAG) != 0)
        return bb_host_fault(err, 0, "not an ELF file: a plugin is a shared object (.so)");
    if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELF_DATA)
        return bb_host_fault(err, EI_CLASS,
                             "built for %s-bit %s-endian machines, this is a 64-bit %s: install "
                             "the plugin's build for " ELF_MACHINE_NAME,
                             h->e_ident[EI_CLASS] == ELFCLASS32 ? "32" : "64",
                             h->e_ident[EI_DATA] == ELFDATA2MSB ? "big" : "little",
                             ELF_MACHINE_NAME);
    if (h->e_machine != ELF_MACHINE)
        return bb_host_fault(err, offsetof(Elf64_Ehdr, e_machine),
                             "built for %s (e_machine %u), this is " ELF_MACHINE_NAME
                             ": install the plugin's build for " ELF_MACHINE_NAME,
                             bb_elf_machine_name(h->e_machine), h->e_machine);
    if (h->e_type != ET_DYN)
        return bb_host_fault(err, offsetof(Elf64_Ehdr, e_type),
                             "an ELF file of type %u, not a shared object", h->e_type);
    if (h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phnum == 0 || h->e_phnum > ELF_PHDRS_MAX)
        return bb_host_fault(err, offsetof(Elf64_Ehdr, e_phnum),
                             "damaged: %u program headers of %u bytes", h->e_phnum,
                             h->e_phentsize);
    if (h->e_phoff > s->size ||
        s->size - h->e_phoff < (uint64_t)h->e_phnum * sizeof(Elf64_Phdr))
        return bb_host_fault(err, offsetof(Elf64_Ehdr, e_phoff),
                             "damaged: the program headers lie past the end of the file");
    return 0;
}

/* Rounds up within a segment; n is at most ELF_NOTES_MAX, so nothing wraps. */
static uint64_t bb_elf_pad(uint64_t n, uint64_t align)
{
    return (n + align - 1) / align * align;
}

/* Walks the notes of one segment; counts busbar's into *found and copies the first. */
static int bb_elf_notes(const uint8_t *p, uint64_t len, uint64_t align, uint64_t offset,
                        struct bb_bytes *out, unsigned *found, struct bb_fault *err)
{
    uint64_t at = 0;

    while (len - at >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr n;
        uint64_t name = at + sizeof(n), desc, end;
        void *copy;

        memcpy(&n, p + at, sizeof(n));
        if (n.n_namesz > len - name)
            return bb_host_fault(err, offset + at, "damaged: a note's name passes its segment");
        desc = bb_elf_pad(name + n.n_namesz, align);
        if (desc > len || n.n_descsz > len - desc)
            return bb_host_fault(err, offset + at, "damaged: a note passes its segment");
        end = desc + n.n_descsz;
        if (n.n_namesz == sizeof(BB_MANIFEST_OWNER) && n.n_type == BB_MANIFEST_TYPE &&
            memcmp(p + name, BB_MANIFEST_OWNER, sizeof(BB_MANIFEST_OWNER)) == 0) {
            if (n.n_descsz > BB_MANIFEST_MAX)
                return bb_host_fault(err, offset + at,
                                     "its manifest has %u bytes, at most %u are allowed",
                                     n.n_descsz, BB_MANIFEST_MAX);
            if (++*found > 1)
                return bb_host_fault(err, offset + at,
                                     "holds several manifests: link one BB_MANIFEST only");
            copy = malloc(n.n_descsz ? n.n_descsz : 1);
            if (!copy)
                return bb_host_fault(err, 0, "out of memory");
            memcpy(copy, p + desc, n.n_descsz);
            out->ptr = copy;
            out->len = n.n_descsz;
        }
        at = bb_elf_pad(end, align);
        if (at > len)
            break; /* the last note's padding may be cut */
    }
    return 0;
}

static int bb_elf_segment(const struct bb_elf_source *s, const Elf64_Phdr *ph,
                          struct bb_bytes *out, unsigned *found, struct bb_fault *err)
{
    uint8_t *p;
    int rc = -1;

    if (ph->p_offset > s->size || ph->p_filesz > s->size - ph->p_offset)
        return bb_host_fault(err, 0, "damaged: its notes lie past the end of the file");
    if (ph->p_filesz > ELF_NOTES_MAX)
        return bb_host_fault(err, ph->p_offset, "its notes have %llu bytes, at most %u are allowed",
                             (unsigned long long)ph->p_filesz, ELF_NOTES_MAX);
    p = malloc(ph->p_filesz ? ph->p_filesz : 1);
    if (!p)
        return bb_host_fault(err, 0, "out of memory");
    if (s->read(s, ph->p_offset, p, ph->p_filesz) < 0)
        bb_host_fault(err, ph->p_offset, "cannot read its notes");
    else
        rc = bb_elf_notes(p, ph->p_filesz, ph->p_align == 8 ? 8 : 4, ph->p_offset, out, found, err);
    free(p);
    return rc;
}

int bb_elf_manifest(const struct bb_elf_source *s, struct bb_bytes *out, struct bb_fault *err)
{
    Elf64_Ehdr h;
    unsigned found = 0;

    out->ptr = NULL;
    out->len = 0;
    if (bb_elf_header(s, &h, err) < 0)
        return -1;
    for (unsigned i = 0; i < h.e_phnum; i++) {
        Elf64_Phdr ph;

        if (s->read(s, h.e_phoff + (uint64_t)i * sizeof(ph), &ph, sizeof(ph)) < 0) {
            bb_host_fault(err, h.e_phoff, "cannot read its program headers");
            goto fail;
        }
        if (ph.p_type == PT_NOTE && bb_elf_segment(s, &ph, out, &found, err) < 0)
            goto fail;
    }
    if (found)
        return 0;
    bb_host_fault(err, 0, "has no Busbar manifest: it is no plugin, or was linked without "
                          "BB_MANIFEST (busbar-manifest writes it from manifest.json)");
fail:
    free((void *)(uintptr_t)out->ptr);
    out->ptr = NULL;
    return -1;
}
