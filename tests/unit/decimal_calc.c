/*
 * decimal_calc.c - decimals from the command line, for decimal_oracle.py to compare with its own
 *
 * A line in: "op a b", "round a scale mode" or "scale a num den scale mode" (scale -1: exact).
 * A line out: the text of the result, or "error". Blanks separate; nothing else is understood.
 */
#include <busbar/decimal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS 6

static int number(struct bb_decimal *d, const char *word)
{
    return word ? bb_decimal_parse(d, word, strlen(word), NULL) : -1;
}

/* The result of one line in out; 0, or -1. */
static int work(char *const word[WORDS], char out[BB_DECIMAL_TEXT])
{
    struct bb_decimal a, b, c;
    const char *op = word[0];
    int failed, verdict = 0;

    if (!op || number(&a, word[1]) != 0)
        return -1;
    if (strcmp(op, "text") == 0) {
        bb_decimal_format(&a, out);
        return 0;
    }
    if (strcmp(op, "round") == 0) {
        failed = !word[3] || bb_decimal_round(&a, &a, atoi(word[2]), bb_round_mode(word[3]), NULL);
        bb_decimal_format(&a, out);
        return failed ? -1 : 0;
    }
    if (number(&b, word[2]) != 0)
        return -1;
    if (strcmp(op, "compare") == 0 || strcmp(op, "multiple") == 0) {
        verdict = *op == 'c' ? bb_decimal_compare(&a, &b) : bb_decimal_is_multiple(&a, &b);
        snprintf(out, BB_DECIMAL_TEXT, "%d", verdict);
        return 0;
    }
    if (strcmp(op, "add") == 0)
        failed = bb_decimal_add(&a, &a, &b, NULL);
    else if (strcmp(op, "subtract") == 0)
        failed = bb_decimal_subtract(&a, &a, &b, NULL);
    else if (strcmp(op, "multiply") == 0)
        failed = bb_decimal_multiply(&a, &a, &b, NULL);
    else
        failed = strcmp(op, "scale") != 0 || !word[5] || number(&c, word[3]) != 0 ||
                 bb_decimal_scale(&a, &a, &b, &c, atoi(word[4]), bb_round_mode(word[5]), NULL);
    bb_decimal_format(&a, out);
    return failed ? -1 : 0;
}

int main(void)
{
    static char line[6 * 4100], out[BB_DECIMAL_TEXT];

    while (fgets(line, sizeof(line), stdin)) {
        char *word[WORDS] = {NULL}, *rest = NULL, *w = strtok_r(line, " \n", &rest);
        for (int i = 0; w && i < WORDS; i++, w = strtok_r(NULL, " \n", &rest))
            word[i] = w;
        puts(work(word, out) == 0 ? out : "error");
    }
    return 0;
}
