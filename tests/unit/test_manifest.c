/*
 * test_manifest.c - manifests from real plugins, from files made by hand, and from broken ones
 */
#include <check.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <busbar/json.h>

#include "core/host/host.h"

static const char *plugins(void)
{
    const char *p = getenv("BB_TEST_PLUGINS");

    return p ? p : TEST_PLUGINS;
}

static const char good[] =
    "{\"id\":\"acme-mes\",\"version\":\"1.2\",\"vendor\":\"Acme\",\"abi\":[0,0],"
    "\"roles\":[\"source\",\"sink\"],\"threading\":\"blocking\",\"workers\":4,\"batch\":\"ordered\","
    "\"extensions\":[\"busbar.probe/1\",\"busbar.query/1\",\"acme.own/7\"],"
    "\"requires\":[\"busbar.instance/1\"],\"types_in\":[\"mfg.t\"],\"of-tomorrow\":{\"x\":[1]},"
    "\"config\":{\"type\":\"object\"}}";

/* An ELF file of this machine with one PT_NOTE of `notes` notes that hold raw. */
struct file {
    uint8_t *p;
    size_t len;
    Elf64_Ehdr *h;
    Elf64_Phdr *ph;
    Elf64_Nhdr *note;
};

static struct file file_of(const void *raw, size_t len, unsigned notes)
{
    size_t pad = (len + 3) / 4 * 4, one = sizeof(Elf64_Nhdr) + 8 + pad;
    struct file f;
    uint8_t *at;

    f.len = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + notes * one;
    f.p = calloc(1, f.len);
    ck_assert_ptr_nonnull(f.p);
    f.h = (Elf64_Ehdr *)f.p;
    f.ph = (Elf64_Phdr *)(f.h + 1);
    f.note = (Elf64_Nhdr *)(f.ph + 1);
    memcpy(f.h->e_ident, ELFMAG, SELFMAG);
    f.h->e_ident[EI_CLASS] = ELFCLASS64;
    f.h->e_ident[EI_DATA] = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
    f.h->e_type = ET_DYN;
#ifdef __aarch64__
    f.h->e_machine = EM_AARCH64;
#else
    f.h->e_machine = EM_X86_64;
#endif
    f.h->e_phoff = sizeof(Elf64_Ehdr);
    f.h->e_phentsize = sizeof(Elf64_Phdr);
    f.h->e_phnum = 1;
    f.ph->p_type = PT_NOTE;
    f.ph->p_offset = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
    f.ph->p_filesz = notes * one;
    f.ph->p_align = 4;
    at = (uint8_t *)f.note;
    for (unsigned i = 0; i < notes; i++, at += one) {
        Elf64_Nhdr n = {7, (uint32_t)len, 1};

        memcpy(at, &n, sizeof(n));
        memcpy(at + sizeof(n), "busbar\0", 8);
        if (len)
            memcpy(at + sizeof(n) + 8, raw, len);
    }
    return f;
}

static struct file file_json(const char *json, unsigned notes)
{
    struct bb_bytes in = {json, strlen(json)};
    struct bb_fault err = {0, ""};
    struct bb_buf b;
    struct file f;

    bb_buf_init(&b, 1 << 20);
    ck_assert_msg(bb_json_read(in, &b, &err) == 0, "%s: %s", json, err.text);
    f = file_of(b.ptr, b.len, notes);
    bb_buf_free(&b);
    return f;
}

static int parse(const struct file *f, struct bb_manifest *m, struct bb_fault *err)
{
    struct bb_bytes v = {f->p, f->len};

    memset(err, 0, sizeof(*err));
    return bb_manifest_parse(v, m, err);
}

START_TEST(fields)
{
    struct file f = file_json(good, 1);
    struct bb_manifest m;
    struct bb_fault err;

    ck_assert_msg(parse(&f, &m, &err) == 0, "%s", err.text);
    ck_assert_str_eq(m.id, "acme-mes");
    ck_assert_str_eq(m.version, "1.2");
    ck_assert_str_eq(m.vendor, "Acme");
    ck_assert(m.abi_min == 0 && m.abi_max == 0 && m.source && m.sink && !m.transform);
    ck_assert(m.blocking && m.batch && m.ordered_batch && m.probe && m.query && !m.health);
    ck_assert_uint_eq(m.workers_max, 4);
    ck_assert(m.schema.ptr > m.raw.ptr && m.schema.len == 13);
    bb_manifest_free(&m);
    free(f.p);
}
END_TEST

START_TEST(real_plugins)
{
    static const char *const names[] = {"gen", "count", "crash", "hang", "leak", "flood", "late"};
    struct bb_manifest m;
    struct bb_fault err = {0, ""};
    char path[4096], id[64];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s.so", plugins(), names[i]);
        snprintf(id, sizeof(id), "test-%s", names[i]);
        ck_assert_msg(bb_manifest_read(path, &m, &err) == 0, "%s", err.text);
        ck_assert_str_eq(m.id, id);
        ck_assert_str_eq(m.path, path);
        ck_assert_ptr_nonnull(m.schema.ptr);
        bb_manifest_free(&m);
    }
}
END_TEST

static const struct {
    const char *from, *to, *says;
} swaps[] = {
    {"\"id\":\"acme-mes\"", "\"id\":\"\"", "\"id\""},
    {"\"id\":\"acme-mes\"", "\"id\":\"Acme Mes\"", "a-z"},
    {"\"id\":\"acme-mes\"", "\"id\":7", "\"id\""},
    {"\"id\":\"acme-mes\",", "", "no \"id\""},
    {"\"abi\":[0,0]", "\"abi\":[3,4]",
     "plugin acme-mes speaks ABI 3..4, this Busbar 0: install a build for ABI 0 or a newer Busbar"},
    {"\"abi\":[0,0]", "\"abi\":[1,0]", "[min, max]"},
    {"\"abi\":[0,0]", "\"abi\":[0]", "[min, max]"},
    {"\"abi\":[0,0]", "\"abi\":[-1,0]", "[min, max]"},
    {"\"version\":\"1.2\",", "", "no \"version\""},
    {"[\"source\",\"sink\"]", "[]", "no role"},
    {"[\"source\",\"sink\"]", "[\"source\",\"sinc\"]", "\"sinc\""},
    {"[\"source\",\"sink\"]", "\"sink\"", "not a list"},
    {"\"blocking\"", "\"async\"", "\"async\""},
    {"\"ordered\"", "\"maybe\"", "\"maybe\""},
    {"\"workers\":4", "\"workers\":-4", "\"workers\""},
    {"busbar.instance/1", "busbar.instance/2", "install a newer Busbar"},
    {"[\"mfg.t\"]", "[1]", "types_in"},
    {"{\"type\":\"object\"}", "[]", "JSON Schema"},
};

START_TEST(wrong_fields)
{
    const char *at = strstr(good, swaps[_i].from);
    char text[1024];
    struct bb_manifest m;
    struct bb_fault err;
    struct file f;

    ck_assert_ptr_nonnull(at);
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, swaps[_i].to,
             at + strlen(swaps[_i].from));
    f = file_json(text, 1);
    ck_assert_msg(parse(&f, &m, &err) < 0, "%s was taken", text);
    ck_assert_msg(strstr(err.text, swaps[_i].says) != NULL, "\"%s\" does not say \"%s\"", err.text,
                  swaps[_i].says);
    ck_assert_ptr_null(m.raw.ptr);
    free(f.p);
}
END_TEST

static void refused(struct file *f, const char *says)
{
    struct bb_manifest m;
    struct bb_fault err;

    ck_assert_msg(parse(f, &m, &err) < 0, "taken, though: %s", says);
    ck_assert_msg(strstr(err.text, says) != NULL, "\"%s\" does not say \"%s\"", err.text, says);
    free(f->p);
}

START_TEST(wrong_files)
{
    static uint8_t big[(1u << 20) + 4];
    struct file f;

    f = file_json(good, 1);
    f.p[1] = 'X';
    refused(&f, "not an ELF file");
    f = file_json(good, 1);
    f.h->e_ident[EI_CLASS] = ELFCLASS32;
    refused(&f, "32-bit");
    f = file_json(good, 1);
    f.h->e_ident[EI_DATA] = (uint8_t)(3 - f.h->e_ident[EI_DATA]);
    refused(&f, "endian");
    f = file_json(good, 1);
    f.h->e_machine = EM_RISCV;
    refused(&f, "built for riscv");
    f = file_json(good, 1);
    f.h->e_type = ET_EXEC;
    refused(&f, "not a shared object");
    f = file_json(good, 1);
    f.h->e_phnum = 0xffff;
    refused(&f, "damaged");
    f = file_json(good, 1);
    f.h->e_phoff = UINT64_MAX - 8;
    refused(&f, "past the end");
    f = file_json(good, 1);
    f.ph->p_offset = UINT64_MAX - 3;
    refused(&f, "past the end");
    f = file_json(good, 1);
    f.ph->p_filesz++;
    refused(&f, "past the end");
    f = file_json(good, 1);
    f.note->n_namesz = UINT32_MAX;
    refused(&f, "damaged");
    f = file_json(good, 1);
    f.note->n_descsz = UINT32_MAX;
    refused(&f, "damaged");
    f = file_json(good, 1);
    f.note->n_type = 2;
    refused(&f, "no Busbar manifest");
    f = file_json(good, 2);
    refused(&f, "several manifests");
    f = file_of(big, sizeof(big), 1);
    refused(&f, "at most 1048576");
    f = file_of("", 0, 1);
    {
        struct bb_manifest m;
        struct bb_fault err;

        ck_assert_int_lt(parse(&f, &m, &err), 0);
        free(f.p);
    }
}
END_TEST

/* Cut anywhere, a file is refused and nothing past its end is read (ASan judges). */
START_TEST(cut_at_every_byte)
{
    struct file f = file_json(good, 1);
    struct bb_manifest m;
    struct bb_fault err;

    for (size_t n = 0; n < f.len; n++) {
        struct file cut = {malloc(n ? n : 1), n, NULL, NULL, NULL};

        ck_assert_ptr_nonnull(cut.p);
        memcpy(cut.p, f.p, n);
        /* the padding of the last note is not needed; everything before it is */
        if (parse(&cut, &m, &err) == 0)
            ck_abort_msg("cut at %zu of %zu was taken", n, f.len);
        free(cut.p);
    }
    free(f.p);
}
END_TEST

START_TEST(find_by_id)
{
    char *folders[] = {(char *)"/nowhere", (char *)(uintptr_t)plugins(), NULL};
    char *none[] = {NULL};
    struct bb_manifest m;
    struct bb_fault err = {0, ""};

    ck_assert_msg(bb_manifest_find("test-count", folders, &m, &err) == 0, "%s", err.text);
    ck_assert_str_eq(m.id, "test-count");
    bb_manifest_free(&m);
    ck_assert_int_lt(bb_manifest_find("test-cuont", folders, &m, &err), 0);
    ck_assert_msg(strstr(err.text, "did you mean \"test-count\"") != NULL, "%s", err.text);
    ck_assert_int_lt(bb_manifest_find("test-count", none, &m, &err), 0);
    ck_assert_ptr_nonnull(strstr(err.text, "looked in no folder"));
}
END_TEST

/* A file named like the id that cannot be used is the reason, not "no plugin". */
START_TEST(find_says_why_the_file_is_no_use)
{
    char folder[] = "/tmp/bb-manifest-XXXXXX", path[64];
    char *folders[] = {folder, NULL};
    struct bb_manifest m;
    struct bb_fault err = {0, ""};
    int fd;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/broken.so", folder);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(write(fd, "no elf", 6), 6);
    close(fd);
    ck_assert_int_lt(bb_manifest_find("broken", folders, &m, &err), 0);
    ck_assert_msg(strstr(err.text, "not an ELF file") != NULL, "%s", err.text);
    unlink(path);
    /* a FIFO named like a plugin must not hang the start */
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_lt(bb_manifest_find("broken", folders, &m, &err), 0);
    ck_assert_msg(strstr(err.text, "not a regular file") != NULL, "%s", err.text);
    unlink(path);
    rmdir(folder);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("manifest");
    TCase *t = tcase_create("manifest");
    SRunner *r;
    int failed;

    tcase_add_test(t, fields);
    tcase_add_test(t, real_plugins);
    tcase_add_loop_test(t, wrong_fields, 0, sizeof(swaps) / sizeof(swaps[0]));
    tcase_add_test(t, wrong_files);
    tcase_add_test(t, cut_at_every_byte);
    tcase_add_test(t, find_by_id);
    tcase_add_test(t, find_says_why_the_file_is_no_use);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
