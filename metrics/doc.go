// Package metrics shows what proxy409 does as Prometheus metrics. It is the only importer of client_golang; package
// proxy knows no more of it than the interface [proxy.Observer], which [Metrics] implements.
//
// Every label set is closed: a label holds a configured route, or a word from a fixed list, and never a path, a key,
// an entity tag or a user. All series are there at zero from the start, so that a rate is right from the first event
// and an alert can tell "never happened" from "not measured". What is on no list is counted under [Unmatched] (routes)
// or [Other] (everything else): no input makes the number of series grow.
package metrics
