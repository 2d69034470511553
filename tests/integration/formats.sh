#!/usr/bin/env bash
# formats.sh - an XML document becomes a table in another encoding and a JSON array, over two kills
#
# The core is killed while the document is read: every record must be there once, in files that are
# whole.
limit=400
. "$(dirname "$0")/../lib.sh"
need jq iconv
n=60000 # so many that two kills fall into the reading, whatever the machine does besides
mkdir -p "$work/in"
cat >"$conf/formats.yaml" <<END
endpoints:
  mes:
    connector: file
    isolation: thread
    config:
      directory: $work/in
      format: xml
      batch: 50
      xml:
        record: /m:Responses/m:Response
        namespaces: {m: "urn:plant:mes"}
        arrays: [/m:Response/m:Lot]
        types: {"//m:Qty": decimal}
      envelope: {type: mfg.production.report, source: /mes, id: {pointer: "/m:Response/@no"}}
  table:
    connector: file
    isolation: thread
    probe_after: 50ms
    config:
      path: $work/table.csv
      content: csv
      delimiter: ";"
      csv: {encoding: windows-1252, decimal_sign: ",", line_end: lf}
      columns:
        - {name: no, pointer: /attributes/id}
        - {name: Menge, pointer: /data/quantity}
        - {name: text, pointer: "/data/m:Response/m:Text"}
        - {name: lots, pointer: "/data/m:Response/m:Lot"}
  array:
    connector: file
    isolation: thread
    probe_after: 50ms
    config: {path: $work/array.json, content: data, layout: array}
routes:
  to-table:
    from: mes
    transform:
      - map:
          - copy: {from: "/data/m:Response/m:Qty/#text", to: /data/quantity}
    to: table
  to-array: {from: mes, to: array}
END
"$busbar" check -c "$conf" || fail "the configuration is refused"
{
    printf '<?xml version="1.0" encoding="ISO-8859-15"?>\n<Responses xmlns="urn:plant:mes">\n'
    LC_ALL=C awk -v n=$n 'BEGIN {
        for (i = 1; i <= n; i++)
            printf "<Response no=\"R%d\"><Qty unit=\"KGM\">%d.50</Qty><Text>\244 &lt;%d&gt; \344</Text><Lot>L%d</Lot></Response>\n", i, i, i, i
    }'
    printf '</Responses>\n'
} >"$work/in.tmp"
core_start
mv "$work/in.tmp" "$work/in/responses.xml"
for part in 8 4; do
    some_there() { [ "$(route_get to-array accepted)" -ge $((n / part)) ]; }
    wait_for 180 "a part of the records" some_there
    core_kill
    [ -e "$work/in/responses.xml" ] || fail "it was read before the kill: there is nothing to resume"
    core_start
done
all_there() { route_is to-table delivered "$n" && route_is to-array delivered "$n"; }
wait_for 180 "all records" all_there
same "records in the array" "$(jq length "$work/array.json")" "$n"
same "their numbers" "$(jq -r '.[]."m:Response"."@no"' "$work/array.json" | sort -u | wc -l)" "$n"
same "the last one's value" \
    "$(grep -F '"@no":"R20000"' "$work/array.json" | sed 's/,$//')" \
    '{"m:Response":{"@no":"R20000","m:Qty":{"@unit":"KGM","#text":20000.50},"m:Text":"€ <20000> ä","m:Lot":["L20000"]}}'
iconv -f windows-1252 -t UTF-8 "$work/table.csv" >"$work/table.utf8" || fail "the table is not windows-1252"
same "rows, header included" "$(wc -l <"$work/table.utf8")" $((n + 1))
same "the header" "$(head -n 1 "$work/table.utf8")" "no;Menge;text;lots"
same "a row" "$(grep '^R20000;' "$work/table.utf8")" 'R20000;20000,50;€ <20000> ä;"[""L20000""]"'
same "the document is in done/" "$(ls "$work/in/done")" "responses.xml"
core_stop
books_balance
