// JSON in at standard input, JSON out at standard output; a BigInt (a counter) goes as text.
'use strict'

async function input() {
  const parts = []
  for await (const part of process.stdin) parts.push(part)
  return JSON.parse(Buffer.concat(parts).toString('utf8'))
}

function output(value) {
  const text = (_, each) => (typeof each === 'bigint' ? each.toString() : each)
  process.stdout.write(JSON.stringify(value, text))
}

module.exports = { input, output }
