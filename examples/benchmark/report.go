package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
)

// writeReport writes what the README quotes.
func writeReport(w io.Writer, m machine, command string, samples []sample) {
	rounds := 0
	for _, s := range samples {
		rounds = max(rounds, s.Round)
	}
	fmt.Fprintf(w, "`%s` on %s; medians, rounds: %d.\n\n%s\n", command, m.Date, rounds, m)
	for _, load := range workloads {
		if rows := tableRows(samples, load.name); len(rows) > 0 {
			fmt.Fprintf(w, "\n**%s**\n\n", load.title)
			writeTable(w, rows)
		}
	}
}

func writeTable(w io.Writer, rows [][]string) {
	fmt.Fprintln(w, "| contender | requests/s | of bare (lowest to highest) | p50 | p99 | CPU/request | Redis CPU/request | peak memory |")
	fmt.Fprintln(w, "|---|---:|---:|---:|---:|---:|---:|---:|")
	for _, row := range rows {
		fmt.Fprint(w, "|")
		for _, cell := range row {
			fmt.Fprintf(w, " %s |", cell)
		}
		fmt.Fprintln(w)
	}
}

// tableRows makes a row for each contender that was measured under the workload.
func tableRows(samples []sample, load string) [][]string {
	var rows [][]string
	bare := pick(samples, load, bareName)
	for _, c := range contenders {
		own := pick(samples, load, c.name)
		if len(own) == 0 {
			continue
		}
		redis := "–"
		if c.redis {
			redis = micros(median(own, func(s sample) float64 { return s.RedisCPU }))
		}
		rows = append(rows, []string{
			c.title,
			strconv.FormatFloat(median(own, func(s sample) float64 { return s.Rate }), 'f', 0, 64),
			ofBare(own, bare),
			millis(median(own, func(s sample) float64 { return float64(s.P50) })),
			millis(median(own, func(s sample) float64 { return float64(s.P99) })),
			micros(median(own, func(s sample) float64 { return s.CPU })),
			redis,
			fmt.Sprintf("%.0f MiB", median(own, func(s sample) float64 { return float64(s.Peak) })/(1<<20)),
		})
	}
	return rows
}

func pick(samples []sample, load, contender string) []sample {
	var own []sample
	for _, s := range samples {
		if s.Workload == load && s.Contender == contender {
			own = append(own, s)
		}
	}
	return own
}

// ofBare compares each measurement with the bare proxy's of the same round, taken a little earlier or later: what slows
// the machine for a while slows both.
func ofBare(own, bare []sample) string {
	var ratios []float64
	for _, s := range own {
		i := slices.IndexFunc(bare, func(b sample) bool { return b.Round == s.Round })
		if i >= 0 {
			ratios = append(ratios, s.Rate/bare[i].Rate)
		}
	}
	if len(ratios) == 0 {
		return "–"
	}
	middle := medianOf(ratios)
	if own[0].Contender == bare[0].Contender {
		return fmt.Sprintf("%.2f", middle)
	}
	return fmt.Sprintf("%.2f (%.2f to %.2f)", middle, slices.Min(ratios), slices.Max(ratios))
}

func median(samples []sample, value func(sample) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = value(s)
	}
	return medianOf(values)
}

// medianOf is the middle one, or the mean of the two in the middle. There must be a value.
func medianOf(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}

func micros(us float64) string { return strconv.FormatFloat(us, 'f', 1, 64) + " µs" }
func millis(us float64) string { return strconv.FormatFloat(us/1000, 'f', 2, 64) + " ms" }

// writeJSON keeps every measurement, for those who want more than medians.
func writeJSON(file string, m machine, command string, samples []sample) error {
	b, err := json.MarshalIndent(struct {
		Command string   `json:"command"`
		Machine machine  `json:"machine"`
		Samples []sample `json:"samples"`
	}{command, m, samples}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}
