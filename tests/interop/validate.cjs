// What the Receive Response node does with a push before it answers 204: the signing tool checks
// schema and signature, and duis-parser reads it.
//
//   node validate.cjs < documents.json
//
// In: a list of XML texts. Out: for each {"parsed": ...} or {"fault": "..."}.
'use strict'
const { parseDuis } = require('@smartdcc/duis-parser')
const { validateDuis } = require('@smartdcc/duis-sign-wrap')
const { input, output } = require('./json.cjs')

async function main() {
  const results = []
  for (const xml of await input()) {
    results.push(
      await validateDuis({ xml })
        .then((valid) => ({ parsed: parseDuis('simplified', valid) }))
        .catch((fault) => ({ fault: String(fault) })),
    )
  }
  output(results)
}

main()
