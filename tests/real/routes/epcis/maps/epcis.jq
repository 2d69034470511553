# epcis.jq - EPCIS 2.0 events to inventory movements and production reports, as far as shapes go
#
# Input: a document or an event. One event about several item classes becomes one movement a class; a
# transformation becomes a report with what went in and what came out. Times and numbers stay the texts
# that they are: epcis.yaml makes them right.
def some: with_entries(select(.value != null and .value != "" and .value != [] and .value != {}));
# the class of an EPC: an SGTIN, LGTIN or GRAI without its serial; anything else is its own class
def class: if test("^urn:epc:(id|class):[a-z]+:") then (capture("^urn:epc:(id|class):(?<s>[a-z]+):(?<r>.+)$") | if (.s | IN("sgtin", "lgtin", "grai", "itip", "cpi")) then (.r | split(".") | .[0:-1] | join(".")) else .s + ":" + .r end)
  elif test("/21/") then sub("/21/.*$"; "") elif test("/10/") then sub("/10/.*$"; "") else . end;
def list($v): if $v == null then [] else $v end;
def unit: if . == null then "H87" else . end;
# what an event is about: EPCs by class, and quantities
def things($epcs; $quantities):
  [ (list($epcs) | group_by(class)[] | {item: {id: (.[0] | class)}, serials: unique, quantity: {value: (unique | length), unit: "H87"}}),
    (list($quantities)[] | {item: {id: (.epcClass | class)}, lot: (if .epcClass | test("lgtin|/10/") then {id: (.epcClass | split(":") | last | split(".") | last)} else null end), quantity: (if .quantity then {value: .quantity, unit: (.uom | unit)} else null end)}) ];
def whole: if .quantity then . else . + {whole: true} end;
def refs: [list(.bizTransactionList)[] | {kind: (.type // "other"), id: .bizTransaction, uri: (if .bizTransaction | test("^[a-z]+:") then .bizTransaction else null end)} | some];
def side($list): [list($list)[] | select(.type | test("party"))] as $p | [list($list)[] | select(.type | test("location"))] as $l
  | {party: (if $p[0] then {id: ($p[0].source // $p[0].destination), role: ($p[0].type)} else null end), location: (if $l[0] then {id: ($l[0].source // $l[0].destination)} else null end)} | some;
def sensors:
  [list(.sensorElementList)[] | (.sensorMetadata // {}) as $m | .sensorReport[]? | {name: (.type // .exception // "sensor"), number: (.value // .meanValue // .minValue), value: (if .value // .meanValue // .minValue then null else .stringValue // .booleanValue // .hexBinaryValue // .uriValue // .component // "reported" end), unit: (.uom | if . == null or (test("^[0-9A-Z]{2,3}$") | not) then null else . end),
    device: (.deviceID // $m.deviceID), at: (.time // $m.time), from: $m.startTime, to: $m.endTime, method: (.dataProcessingMethod // $m.dataProcessingMethod), statistic: (if .value == null and .meanValue != null then "mean" else null end)} | some];
def place: if . == null then null else {id: .id} end;
def own: with_entries(select(.key | test(":"))) | if . == {} then null else {epcis: .} end;
def common: {at: .eventTime, timeZone: .eventTimeZoneOffset, recordedAt: .recordTime, readPoint: (.readPoint | place), businessStep: .bizStep, disposition, persistent: .persistentDisposition, documents: (if .certificationInfo then [.certificationInfo | if type == "array" then .[] else . end | {uri: ., kind: "certificate"}] else null end), action, references: refs, measurements: sensors, extensions: (own // {}),
  reversal: (if .errorDeclaration then true else null end), reverses: (if .errorDeclaration then {kind: "movement", id: (.eventID // "unknown")} else null end), reason: (if .errorDeclaration.reason then {code: .errorDeclaration.reason} else null end)} | some;
def movements:
  . as $e | (.bizLocation | place) as $loc
  | (side(.sourceList)) as $from | ((side(.destinationList)) + (if $loc then {location: $loc} else {} end)) as $to
  | (if .type == "AggregationEvent" then (if .action == "DELETE" then "unpack" elif .action == "ADD" then "pack" else "observation" end)
     elif .type == "AssociationEvent" then (if .action == "DELETE" then "uninstall" elif .action == "ADD" then "install" else "observation" end)
     elif .action == "ADD" and .type == "ObjectEvent" then "initial-entry" elif .action == "DELETE" and .type == "ObjectEvent" then "other-issue" else "observation" end) as $kind
  | (things((.epcList // .childEPCs); (.quantityList // .childQuantityList)) | if . == [] then [{item: {id: ($e.parentID // $e.readPoint.id // "unknown")}, whole: true}] else . end)[] | some | whole
  | . + ($e | common) + {id: ($e.eventID // ""), kind: $kind, from: $from, to: $to, lot: (.lot // null)}
  | (if $e.parentID then (if $kind == "unpack" or $kind == "uninstall" then .from += {handlingUnit: {id: $e.parentID}} else .to += {handlingUnit: {id: $e.parentID}} end) else . end)
  | (if $kind == "initial-entry" and .to == {} then .to = {location: ($e.readPoint | place // {id: "unknown"})} elif $kind == "other-issue" and .from == {} then .from = {location: ($e.readPoint | place // {id: "unknown"})} else . end)
  | (if .reversal then .from as $f | .from = .to | .to = $f else . end)
  | (if $e.ilmd then .characteristics = [$e.ilmd | to_entries[] | {name: .key, value: (.value | if type == "object" or type == "array" then tojson else . end)}] else . end) | some;
def report:
  {id: (.eventID // .transformationID // .eventTime), at: .eventTime, timeZone: .eventTimeZoneOffset, workCenter: (.readPoint | place), operation: (if .bizStep then {segment: .bizStep} else null end),
   consumed: [things(.inputEPCList; .inputQuantityList)[] | some | select(.quantity)], produced: [things(.outputEPCList; .outputQuantityList)[] | some | select(.quantity)], measurements: sensors, references: refs, extensions: (own // {})} | some;
[(.epcisBody.eventList // .epcisBody.queryResults.resultsBody.eventList // [.])[] | select(.eventTime)] as $events
| {movements: [$events[] | select(.type != "TransformationEvent") | movements],
   reports: [$events[] | select(.type == "TransformationEvent") | report]}
