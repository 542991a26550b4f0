package main

import (
	"proxy409/config"
	"proxy409/proxy"
)

// rulesOf translates the rules of a route.
func rulesOf(r config.Rules) proxy.Rules {
	out := proxy.Rules{Expect: r.Expect, Resource: r.Resource, Leases: r.Leases, Touches: r.Touches}
	for _, u := range r.Unique {
		out.Unique = append(out.Unique, proxy.Unique{
			Name: u.Name, Fields: u.Fields, Fold: folds(u.Fold), Ask: u.Ask, List: u.List, Location: u.Location,
			Return: u.OnDuplicate == config.DuplicateReturn,
		})
	}
	for _, q := range r.Require {
		out.Require = append(out.Require, proxy.Require{
			Name: q.Name, On: q.On, Ask: q.Ask, That: q.That, Message: q.Message, MessageExpression: q.MessageExpression,
		})
	}
	if t := r.Transitions; t != nil {
		out.Transitions = &proxy.Transitions{Field: t.Field, Moves: t.Moves, Initial: t.Initial}
	}
	if r.AskHeaders != nil {
		out.AskHeaders = make(map[string]string, len(r.AskHeaders))
	}
	for name, value := range r.AskHeaders {
		out.AskHeaders[name] = value.Reveal()
	}
	return out
}

func folds(list []config.Fold) []string {
	var names []string
	for _, f := range list {
		names = append(names, string(f))
	}
	return names
}

// ruleNames are what metrics and logs call the rules of a route, first those of unique, last those of require; package config sees to it that they differ.
func ruleNames(r config.Route) []string {
	var names []string
	for _, u := range r.Unique {
		names = append(names, u.Name)
	}
	if r.Transitions != nil {
		names = append(names, "transitions")
	}
	for _, q := range r.Require {
		names = append(names, q.Name)
	}
	return names
}
