# The phases, from as deep as they lie, each with what it recorded.
def phases: (.RuntimeRecipeElement // [])[] | (if .RecipeElementType == "Phase" then . else empty end), phases;
.BatchProductionRecord | .ExecutedControlRecipes.ExecutedControlRecipe[] as $r
| {id: .ID, created: .Header.CreationDate, batch: $r.BatchID, product: $r.Header.ProductID, name: $r.Header.ProductName,
   recipe: ($r.ID | if type == "object" then ."#text" else . end),
   phases: [$r | phases | {id: (.ID | if type == "object" then ."#text" else . end), at: .CompletionTime,
     value: ([(.OtherInformation // [])[] | select(.ID == "actualValue")][0].Value.ValueString)}]}
