# movement.jq - what movement.schema.json says, by hand in jq: true or false for a document
#
# The peer of the validator in the bench. $units[0] has a member for each unit of Rec 20 that is
# alive. model.sh makes sure that both say the same of good and bad documents before it measures.
def text($max): type == "string" and length <= $max;
def name($max): type == "string" and length >= 1 and length <= $max;
def match($re): type == "string" and test($re);
def whole: type == "number" and . == floor;
def among($list): . as $v | any($list[]; . == $v);
def only($names): (keys_unsorted - $names) == [];
def may($key; f): (has($key) | not) or (.[$key] | f);
def must($key; f): has($key) and (.[$key] | f);
def days($y; $m):
    if $m == 2 then (if $y % 4 == 0 and ($y % 100 != 0 or $y % 400 == 0) then 29 else 28 end)
    elif $m == 4 or $m == 6 or $m == 9 or $m == 11 then 30 else 31 end;
def day:
    match("^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\\z")
    and (.[8:10] | tonumber) <= days(.[0:4] | tonumber; .[5:7] | tonumber);
def instant:
    match("^[0-9-]{10}[Tt](([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])|23:59:60(\\.[0-9]+)?[Zz])\\z")
    and (.[0:10] | day);
def quantity:
    type == "object" and only(["value", "unit"])
    and must("value"; type == "number")
    and must("unit"; type == "string" and (. as $u | $units[0] | has($u)));
def place:
    type == "object" and only(["plant", "location", "bin", "stock"])
    and must("plant"; name(10)) and may("location"; text(20)) and may("bin"; text(20))
    and may("stock"; among(["unrestricted", "quality", "blocked", "in-transit"]));
def order:
    type == "object" and only(["kind", "number", "line", "operation"])
    and may("kind"; among(["work-order", "purchase-order", "sales-order"]))
    and must("number"; name(40))
    and may("line"; whole and . >= 0)
    and may("operation"; match("^[0-9]{4}\\z"));
def money:
    type == "object" and only(["amount", "currency"])
    and must("amount"; type == "number") and must("currency"; match("^[A-Z]{3}\\z"));
def serials:
    type == "array" and length <= 1000 and all(.[]; name(40)) and (unique | length) == length;
def references:
    type == "array"
    and all(.[]; type == "object" and only(["system", "id"]) and must("system"; text(40)) and must("id"; text(80)));

type == "object"
and only(["movement", "kind", "document", "line", "posted", "posting_date", "document_date", "item", "revision",
    "description", "quantity", "entered", "from", "to", "lot", "serials", "order", "value", "reason", "by",
    "transaction", "text", "references"])
and must("movement"; name(40))
and must("kind"; among(["receipt", "issue", "transfer", "scrap", "count-gain", "count-loss", "reversal"]))
and may("document"; name(40))
and may("line"; whole and . >= 1 and . <= 999999)
and must("posted"; instant)
and may("posting_date"; day)
and may("document_date"; day)
and must("item"; name(40) and test("^[^\\s]+\\z"))
and may("revision"; text(20))
and may("description"; text(200))
and must("quantity"; quantity)
and may("entered"; quantity)
and must("from"; place)
and may("to"; place)
and may("lot"; name(40))
and may("serials"; serials)
and may("order"; order)
and may("value"; money)
and may("reason"; text(40))
and may("by"; text(80))
and may("transaction"; match("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\\z"))
and may("text"; text(500))
and may("references"; references)
and (.kind != "transfer" or has("to"))
