// Does what its standard input says, an order in JSON on each line, with the helpers for fetch, and writes what came of it, each on a
// line. How many URLs are kept is the first argument.
import {createInterface} from "node:readline"
import {idempotencyKey, remembering, update} from "../../clients/fetch/proxy409.mjs"

const send = remembering(fetch, Number(process.argv[2]))
const count = document => { document.n = (document.n ?? 0) + 1 }

async function obey({do: what, method, url, headers = {}, body, tries, updaters, times}) {
  if (what === "send") {
    if (headers["Idempotency-Key"] === "new") headers = {...headers, ...idempotencyKey()}
    return send(url, {method, headers, body: body || undefined})
  }
  if (what === "update") return update(send, url, count, {tries, headers})
  await Promise.all(Array.from({length: updaters}, async () => {
    for (let i = 0; i < times; i++) await update(send, url, count, {tries})
  }))
  return {status: 200, text: () => ""}
}

for await (const line of createInterface({input: process.stdin})) {
  let result
  try {
    const answer = await obey(JSON.parse(line))
    result = {status: answer.status, body: await answer.text()}
  } catch (error) {
    result = {error: error.name === "TypeError" && error.cause ? "Lost" : error.name, text: String(error), reason: error.reason, status: error.response?.status}
  }
  console.log(JSON.stringify(result))
}
