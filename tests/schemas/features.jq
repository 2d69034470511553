# features.jq - the features of a BOM that a document uses, by features.json's own rule
#
# Input: the document. $features: the list; $schema: mfg.bom/1 or mfg.change/1. Output: names.
def at($keys): # all values at a pointer, * for every element
  if ($keys | length) == 0 then . elif $keys[0] == "*" then (arrays | .[] | at($keys[1:]))
  else (objects | select(has($keys[0])) | .[$keys[0]] | at($keys[1:])) end;
def used($use): . != false and . != [] and . != {}
  and (if $use.in then . as $v | any($use.in[]; . == $v) elif $use.not then . as $v | all($use.not[]; . != $v) else true end);
. as $doc
| [ $features.features[] | . as $f
    | select(any($f.uses[]; . as $use
        | ($features.places[$use.place][$schema] + $use.pointer | split("/")[1:]) as $keys
        | any($doc | at($keys); used($use))))
    | .name ]
