/*
 * test_transform_docs.c - every example of docs/transforms.md does what the page says
 *
 * An example is a yaml block (rules), perhaps behind csv blocks (whose files it names), and a json block:
 * the data before, and behind it the data after, "error: " or "skipped: " and the text.
 */
#include "tests/unit/transform_rig.h"

#include <unistd.h>
#include "core/config/config.h"

static char dir[64], rules[8192], before[8192], after[8192];
static unsigned examples;

static void write_to(const char *name, const char *text)
{
    char path[256], *slash;
    FILE *f;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    slash = strrchr(path, '/');
    *slash = '\0';
    ck_assert_int_eq(bb_mkdirs(path, 0700), 0);
    *slash = '/';
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
}

struct rig {
    struct bb_extras *x;
    struct bb_diags d;
};

static int file_get(void *arg, const char *name, struct bb_bytes *value, struct bb_fault *err)
{
    struct rig *r = arg;
    return bb_extras_get(r->x, name, value, &r->d, err);
}

static void run_example(void)
{
    struct rig r = {bb_extras_new(dir), {0}};
    struct bb_transform_source src = {.arg = &r, .file = file_get};
    struct bb_transform *t;
    struct bb_fault f = {0, ""};
    struct bb_buf steps, in, out;
    char *text, *got;
    bb_status s;
    write_to("map.yaml", rules);
    json_to(&steps, "[{\"map\":{\"file\":\"map.yaml\"}}]");
    t = bb_transform_compile(bytes_of(&steps), &src, &f);
    bb_diags_print(&r.d, stderr);
    ck_assert_msg(t != NULL, "%s\n%s", rules, f.text);
    ck_assert_int_ge(asprintf(&text, "[{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"t\",\"type\":\"x\"},%s]",
                              before), 0);
    json_to(&in, text);
    free(text);
    bb_buf_init(&out, 65536);
    s = bb_transform_apply(t, bytes_of(&in), &out, NULL, &f);
    if (strncmp(after, "error: ", 7) == 0) {
        ck_assert_int_eq(s, BB_E_REJECT);
        ck_assert_str_eq(f.text, after + 7);
    } else if (strncmp(after, "skipped: ", 9) == 0) {
        ck_assert_int_eq(s, BB_E_CANCEL);
        ck_assert_str_eq(f.text, after + 9);
    } else {
        struct bb_bytes data;
        ck_assert_msg(s == BB_OK, "%s\n%s", rules, f.text);
        ck_assert_msg(bb_message_check(bytes_of(&out), &f) == 0, "%s", f.text);
        ck_assert_int_eq(bb_pointer_get(bytes_of(&out), "/1", &data), 1);
        got = json_of(data);
        ck_assert_str_eq(got, after);
        free(got);
    }
    bb_transform_free(&t);
    bb_buf_free(&steps);
    bb_buf_free(&in);
    bb_buf_free(&out);
    bb_extras_free(&r.x);
    bb_diags_free(&r.d);
    examples++;
}

/* The block that begins behind the fence, into out. */
static void block(FILE *f, char *out, size_t cap)
{
    char line[4096];
    size_t n = 0;
    out[0] = '\0';
    while (fgets(line, sizeof line, f) && strncmp(line, "```", 3) != 0) {
        ck_assert_uint_lt(n + strlen(line), cap);
        n += (size_t)snprintf(out + n, cap - n, "%s", line);
    }
}

START_TEST(the_page_is_true)
{
    const char *src = getenv("srcdir"), *tmp = getenv("TMPDIR");
    char path[512], line[4096], text[8192], *nl;
    FILE *f;
    snprintf(dir, sizeof dir, "%.40s/busbar-docs-XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/docs/transforms.md", src ? src : ".");
    f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s", path);
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, "```csv ", 7) == 0) {
            line[strcspn(line, "\n")] = '\0';
            block(f, text, sizeof text);
            write_to(line + 7, text);
        } else if (strncmp(line, "```yaml", 7) == 0) {
            block(f, rules, sizeof rules);
        } else if (strncmp(line, "```json", 7) == 0) {
            block(f, text, sizeof text);
            nl = strchr(text, '\n');
            ck_assert_ptr_nonnull(nl);
            *nl = '\0';
            snprintf(before, sizeof before, "%s", text);
            snprintf(after, sizeof after, "%s", nl + 1);
            after[strcspn(after, "\n")] = '\0';
            run_example();
        }
    }
    fclose(f);
    ck_assert_uint_ge(examples, 15);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("transform's page");
    TCase *c = tcase_create("examples");
    SRunner *r;
    int failed;
    tcase_set_timeout(c, 60);
    tcase_add_test(c, the_page_is_true);
    suite_add_tcase(s, c);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
