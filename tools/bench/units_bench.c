/*
 * units_bench.c - what decimals and unit conversion cost: units_bench [MILLIONS]
 *
 * One line of JSON for each operation, in CPU nanoseconds; the quantities are of the kinds that
 * stock moves and bills of materials hold. One thread, no input.
 */
#include <busbar/units.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const texts[8] = {"12.50",     "0.125", "1250.75", "-3.5",
                                     "99999.999", "7.25",  "1000.0",  "0.0025"};
static struct bb_decimal values[8], cents;
static struct bb_buf packed[8], step;
static uint64_t sink; /* printed: nothing is optimised away */

static const struct bb_item_factor rows[] = {{"4711", "BOX", "EA", "12", "1"},
                                             {"4711", "EA", "KGM", "0.250", "1"},
                                             {"4711", "XPX", "BOX", "40", "1"}};
static const struct bb_item_factors items = {rows, 3};
static const struct bb_unit_rule to_three = {3, BB_ROUND_HALF_EVEN, "4711", &items};

static void parse(unsigned i)
{
    struct bb_decimal d;
    bb_decimal_parse(&d, texts[i & 7], strlen(texts[i & 7]), NULL);
    sink += d.limb[0];
}
static void format(unsigned i)
{
    char out[BB_DECIMAL_TEXT];
    sink += bb_decimal_format(&values[i & 7], out);
}
static void add(unsigned i)
{
    struct bb_decimal d;
    bb_decimal_add(&d, &values[i & 7], &cents, NULL);
    sink += d.limb[0];
}
static void multiply(unsigned i)
{
    struct bb_decimal d;
    bb_decimal_multiply(&d, &values[i & 7], &cents, NULL);
    sink += d.limb[0];
}
static void convert(unsigned i)
{
    struct bb_decimal d;
    bb_unit_convert(&d, &values[i & 7], "KGM", "LBR", &to_three, NULL);
    sink += d.limb[0];
}
static void convert_item(unsigned i)
{
    struct bb_decimal d;
    bb_unit_convert(&d, &values[i & 7], "XPX", "DZN", &to_three, NULL);
    sink += d.limb[0];
}
static void convert_text(unsigned i)
{
    struct bb_decimal d;
    char out[BB_DECIMAL_TEXT];
    bb_decimal_parse(&d, texts[i & 7], strlen(texts[i & 7]), NULL);
    bb_unit_convert(&d, &d, "KGM", "LBR", &to_three, NULL);
    sink += bb_decimal_format(&d, out);
}
static struct bb_bytes bytes(const struct bb_buf *b)
{
    return (struct bb_bytes){b->ptr, b->len};
}
static void compare(unsigned i)
{
    int order = 0;
    bb_number_compare(bytes(&packed[i & 7]), bytes(&step), &order);
    sink += (uint64_t)order;
}
static void multiple(unsigned i)
{
    sink += (uint64_t)bb_number_is_multiple(bytes(&packed[i & 7]), bytes(&step));
}

static const struct {
    const char *name;
    void (*work)(unsigned i);
} works[] = {{"parse", parse},
             {"format", format},
             {"add", add},
             {"multiply", multiply},
             {"convert KGM to LBR", convert},
             {"convert XPX to DZN by 2 rows", convert_item},
             {"parse, convert, format", convert_text},
             {"compare msgpack", compare},
             {"multipleOf msgpack", multiple}};

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    unsigned n = (argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 2) * 1000000u;

    bb_decimal_parse(&cents, "0.01", 4, NULL);
    bb_buf_init(&step, 64);
    bb_decimal_put(&step, &cents);
    for (int i = 0; i < 8; i++) {
        bb_decimal_parse(&values[i], texts[i], strlen(texts[i]), NULL);
        bb_buf_init(&packed[i], 64);
        bb_decimal_put(&packed[i], &values[i]);
    }
    for (size_t w = 0; n && w < sizeof(works) / sizeof(works[0]); w++) {
        double began = cpu_now();
        for (unsigned i = 0; i < n; i++)
            works[w].work(i);
        printf("{\"work\": \"%s\", \"ns\": %.0f}\n", works[w].name, (cpu_now() - began) / n * 1e9);
    }
    for (int i = 0; i < 8; i++)
        bb_buf_free(&packed[i]);
    bb_buf_free(&step);
    return sink == 1;
}
