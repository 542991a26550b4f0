package etagcache

// exploredCells are the cells that the small worlds visit, each with all the verdicts that are given there: what the record says
// (in doubt: its owner has given up; over: its lease has run out), the marks that it has, and the event.
//
// Two kinds of cells are missing. A known record never has a mark: a mark makes it unknown, nothing is learned under it, and
// what is learned after it sweeps it. And that a 404 is late for a record being written whose mark is over, but not its lease,
// would take one more actor.
const exploredCells = `
known: claim: admit ask stale exists absent unversioned lagging
known: close: done
known: conclude: done late
known: gone: done late
known: learn: done late drift crowded
known: open: done
known: plant: done
none: claim: planted
none: close: done
none: conclude: late
none: gone: late
none: learn: late
none: open: done
none: plant: planted
unknown, mark over: claim: admit ask stale exists
unknown, mark over: close: done
unknown, mark over: conclude: done late
unknown, mark over: gone: done late
unknown, mark over: learn: done late
unknown, mark over: open: done
unknown, mark over: plant: done
unknown, marked: claim: admit ask stale exists grace
unknown, marked: close: done
unknown, marked: conclude: done late
unknown, marked: gone: late
unknown, marked: learn: late
unknown, marked: open: done
unknown, marked: plant: done
unknown: claim: admit ask stale exists absent unversioned grace lagging
unknown: close: done
unknown: conclude: done late
unknown: gone: done late
unknown: learn: done late lagging crowded
unknown: open: done
unknown: plant: done
writing, in doubt, mark over: claim: busy stale
writing, in doubt, mark over: close: done
writing, in doubt, mark over: conclude: done
writing, in doubt, mark over: gone: late
writing, in doubt, mark over: learn: late
writing, in doubt, mark over: open: done
writing, in doubt, mark over: plant: done
writing, in doubt, marked: claim: busy stale
writing, in doubt, marked: close: done
writing, in doubt, marked: conclude: done late
writing, in doubt, marked: gone: late
writing, in doubt, marked: learn: late
writing, in doubt, marked: open: done
writing, in doubt, marked: plant: done
writing, in doubt: claim: busy stale
writing, in doubt: close: done
writing, in doubt: conclude: done late
writing, in doubt: gone: late
writing, in doubt: learn: late
writing, in doubt: open: done
writing, in doubt: plant: done
writing, mark over: claim: busy
writing, mark over: close: done
writing, mark over: conclude: done
writing, mark over: learn: late
writing, mark over: open: done
writing, mark over: plant: done
writing, marked: claim: busy stale
writing, marked: close: done
writing, marked: conclude: done late
writing, marked: gone: late
writing, marked: learn: late
writing, marked: open: done
writing, marked: plant: done
writing, over, mark over: claim: admit ask stale exists
writing, over, mark over: close: done
writing, over, mark over: conclude: done
writing, over, mark over: gone: done late
writing, over, mark over: learn: done late
writing, over, mark over: open: done
writing, over, mark over: plant: done
writing, over, marked: claim: admit ask stale exists
writing, over, marked: close: done
writing, over, marked: conclude: done
writing, over, marked: gone: late
writing, over, marked: learn: late
writing, over, marked: open: done
writing, over, marked: plant: done
writing, over: claim: admit ask stale exists lagging
writing, over: close: done
writing, over: conclude: done late
writing, over: gone: done late
writing, over: learn: done late lagging
writing, over: open: done
writing, over: plant: done
writing: claim: busy stale
writing: close: done
writing: conclude: done late
writing: gone: late
writing: learn: late
writing: open: done
writing: plant: done
`
