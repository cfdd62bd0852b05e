// Sends requests as a Node-RED node of the DCC does: constructed by duis-parser, signed by the
// signing tool, posted by got within 3 s, the answer validated by the tool and parsed.
//
//   node send.cjs http://127.0.0.1:8079 < requests.json
//
// In: a list of requests, each {"simplified": ...} as duis-parser takes it, or {"xml": "..."}.
// Out: for each {"request": XML, "answer": XML, "parsed": ...} or {"fault": "..."}.
'use strict'
const { constructDuis, parseDuis } = require('@smartdcc/duis-parser')
const { signDuis, validateDuis } = require('@smartdcc/duis-sign-wrap')
const got = require('got')
const { input, output } = require('./json.cjs')

const PATHS = {
  'Send Command Service': '/api/v1/serviceS',
  'Transform Service': '/api/v1/serviceT',
  'Non-Device Service': '/api/v1/serviceD',
}

async function exchange(server, { simplified, xml, preserveCounter = false }) {
  const unsigned = xml ?? constructDuis('simplified', simplified)
  const { header } = parseDuis('simplified', unsigned)
  const request = await signDuis({ xml: unsigned, preserveCounter })
  const answer = await got(server + PATHS[header.commandVariant.webService], {
    method: 'POST',
    headers: { 'content-type': 'application/xml' },
    body: request,
    timeout: 3000,
    retry: 0,
  })
  if (!/^application\/xml(;|$)/.test(answer.headers['content-type'])) {
    throw new Error(`the answer is ${answer.headers['content-type']}`)
  }
  const parsed = parseDuis('simplified', await validateDuis({ xml: answer.body }))
  return { request, answer: answer.body, parsed }
}

async function main() {
  const server = process.argv[2]
  const exchanges = []
  // One after the other, as an operator would: each starts a JVM twice.
  for (const request of await input()) {
    exchanges.push(await exchange(server, request).catch((fault) => ({ fault: String(fault) })))
  }
  output(exchanges)
}

main()
