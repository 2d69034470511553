/*
 * fuzz_manifest.c - any bytes as a plugin's file: the ELF walk and the manifest's members
 *
 * The first byte chooses: the rest is a whole file, or a manifest in a note of a sound file, so that
 * the fuzzer need not guess 200 bytes of ELF before it reaches the msgpack.
 */
#include <elf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/host/host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *wrap(const uint8_t *raw, size_t len, size_t *out)
{
    size_t notes = sizeof(Elf64_Nhdr) + 8 + (len + 3) / 4 * 4;
    Elf64_Ehdr h;
    Elf64_Phdr ph;
    Elf64_Nhdr n = {7, (uint32_t)len, 1};
    uint8_t *p;

    *out = sizeof(h) + sizeof(ph) + notes;
    p = calloc(1, *out);
    if (!p)
        return NULL;
    memset(&h, 0, sizeof(h));
    memset(&ph, 0, sizeof(ph));
    memcpy(h.e_ident, ELFMAG, SELFMAG);
    h.e_ident[EI_CLASS] = ELFCLASS64;
    h.e_ident[EI_DATA] = ELFDATA2LSB;
    h.e_type = ET_DYN;
#ifdef __aarch64__
    h.e_machine = EM_AARCH64;
#else
    h.e_machine = EM_X86_64;
#endif
    h.e_phoff = sizeof(h);
    h.e_phentsize = sizeof(ph);
    h.e_phnum = 1;
    ph.p_type = PT_NOTE;
    ph.p_offset = sizeof(h) + sizeof(ph);
    ph.p_filesz = notes;
    ph.p_align = 4;
    memcpy(p, &h, sizeof(h));
    memcpy(p + sizeof(h), &ph, sizeof(ph));
    memcpy(p + ph.p_offset, &n, sizeof(n));
    memcpy(p + ph.p_offset + sizeof(n), "busbar\0", 8);
    if (len)
        memcpy(p + ph.p_offset + sizeof(n) + 8, raw, len);
    return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bb_manifest m;
    struct bb_fault err = {0, ""};
    struct bb_bytes in = {data, size};
    uint8_t *file = NULL;

    if (size && (data[0] & 1)) {
        file = wrap(data + 1, size - 1, &in.len);
        in.ptr = file;
    } else if (size) {
        in.ptr = data + 1;
        in.len = size - 1;
    }
    if (bb_manifest_parse(in, &m, &err) == 0) {
        const uint8_t *raw = m.raw.ptr, *schema = m.schema.ptr;

        if (!m.id[0] || (schema && (schema < raw || schema + m.schema.len > raw + m.raw.len)))
            abort();
        bb_manifest_free(&m);
    } else if (!err.text[0] || !memchr(err.text, 0, sizeof(err.text))) {
        abort(); /* refused without a word */
    }
    free(file);
    return 0;
}
