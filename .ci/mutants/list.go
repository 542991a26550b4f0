package main

// Judges that more than one mutant is brought before.
const (
	everyInterleaving = "./etagcache ^TestEveryInterleavingOfASmallWorldKeepsThePromises$"
	randomSteps       = "./etagcache ^TestNoInterleavingBreaksThePromises$ -rapid.shrinktime=0s"
	randomWorlds      = "./proxy ^TestRandomWorlds$" // 24 of them
	someRandomWorlds  = "PROXY409_WORLDS=8 ./proxy ^TestRandomWorlds$"
	whereTagsReturn   = "./etagcache ^TestEveryInterleavingOfASmallWorldKeepsThePromises$/^tags_that_come_back"
	everyRound        = "./proxy ^TestEveryRoundWithoutFaultsHasOneWinner$"
)

var mutants = []mutant{
	{
		name:   "a lease that frees itself",
		file:   "etagcache/record.go",
		old:    "if r.State == Writing && now >= r.Lease.Until {",
		new:    "if r.State == Writing {",
		judges: []string{everyInterleaving, randomSteps, someRandomWorlds},
	},
	{
		name:   "learning from write answers",
		file:   "etagcache/step.go",
		old:    "			if e.Confirmed {",
		new:    "			if true {",
		judges: []string{everyRound, "./etagcache ^TestTagOnTheAnswerToAWriteAdmitsNothingByItself$"},
	},
	{
		name:   "recording late reads",
		file:   "etagcache/learn.go",
		old:    "	if b.Closed || r.Version != b.Version {\n		return r, Late\n	}\n	r = r.at(b.Now)\n	switch {",
		new:    "	if b.Closed {\n		return r, Late\n	}\n	r = r.at(b.Now)\n	switch {",
		judges: []string{everyInterleaving, randomSteps, someRandomWorlds},
	},
	{
		// Few worlds meet it: one in four. And few searches, so that the others would go on to their end.
		name:   "forgetting what was retired",
		file:   "etagcache/record.go",
		old:    "		r = r.retireAmong(v.Tag, len(gone)+olderRetired)\n	}\n	return r\n}",
		new:    "		_ = v\n	}\n	return r\n}",
		judges: []string{whereTagsReturn, randomSteps, randomWorlds},
	},
	{
		name:   "replaying",
		file:   "proxy/send.go",
		old:    "	neverReplayed(req)\n",
		new:    "",
		judges: []string{"./proxy ^TestAWriteIsNeverReplayed$", someRandomWorlds},
	},
	{
		name:   "forwarding when the store is down",
		file:   "proxy/write.go",
		old:    "case blind && r.AllowBlind && w.owe(0):",
		new:    "case blind && w.owe(0):",
		judges: []string{"./proxy ^TestClosedWhenBlind$", someRandomWorlds},
	},
	{
		name:   "comparing only the first If-Match line",
		file:   "proxy/precondition.go",
		old:    `ParseTagList(h["If-Match"], `,
		new:    `ParseTagList(h["If-Match"][:min(1, len(h["If-Match"]))], `,
		judges: []string{"./proxy ^TestPreconditions$"},
	},
	{
		name:   "no detachment from the client",
		file:   "proxy/send.go",
		old:    "newPassage(context.WithoutCancel(client))",
		new:    "newPassage(client)",
		judges: []string{"./proxy ^TestAClientThatHangsUpAfterItsBodyChangesNothing$", someRandomWorlds},
	},
}
