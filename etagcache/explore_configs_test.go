package etagcache

// The small worlds. Each is closed under its steps: all that can happen in it is tried.
func exploreConfigs() []ExploreConfig {
	writer := role{kind: isWriter, name: "W", reps: 1}
	two, three := writer, writer
	two.count, three.count = 2, 3
	reader := role{kind: isReader, name: "R", reps: 1}
	readers := role{kind: isReader, name: "R", reps: 2, rounds: 2}
	masked := role{kind: isReader, name: "R", reps: 1, masked: true, rounds: 2}
	masked1 := masked
	masked1.rounds = 1
	post := role{kind: isPoster, name: "P"}
	creator := role{kind: isWriter, name: "C", reps: 1, creates: true, count: 2}
	deleter := role{kind: isWriter, name: "D", reps: 1, deletes: true}
	answered := role{kind: isWriter, name: "W", reps: 1, answers: true, rounds: 2}
	told := writer
	told.answers = true
	return []ExploreConfig{
		{
			long: true, Name: "two writers and a late reader of two representations",
			roles: []role{two, readers},
			left:  budget{Ticks: 2, Doubt: 1},
		},
		{
			long: true, Name: "three writers",
			roles: []role{three},
			left:  budget{Ticks: 3, Refuse: 1, Doubt: 2, Crash: 1},
		},
		{
			Name:  "a writer, an unjudged request and a reader",
			roles: []role{told, post, reader},
			left:  budget{Ticks: 3, Crash: 1},
		},
		{
			long: true, Name: "two writers and an unjudged request",
			roles: []role{two, post},
			left:  budget{Ticks: 2, Refuse: 1, Crash: 1},
		},
		{
			long: true, Name: "two unjudged requests and a writer",
			roles: []role{writer, {kind: isPoster, name: "P", count: 2}},
			left:  budget{Ticks: 2, Crash: 1, Lost: 1},
		},
		{
			long: true, Name: "a creator and an unjudged request",
			roles: []role{{kind: isWriter, name: "C", reps: 1, creates: true, answers: true}, post, reader}, absent: true,
			left: budget{Ticks: 2, Crash: 1, Lost: 1},
		},
		{
			Name:  "a release after doubt",
			roles: []role{{kind: isWriter, name: "W", reps: 1, hasty: true}, writer, reader},
			left:  budget{Ticks: 2, Doubt: 1},
		},
		{Name: "swaps lost", roles: []role{two}, left: budget{Ticks: 3, Lost: 2, Refuse: 1}},
		{
			Name:  "swaps late and repeated",
			roles: []role{two},
			left:  budget{Ticks: 2, Copies: 1, Lost: 1, Refuse: 1},
		},
		{
			Name:  "a swap late, and a reader",
			roles: []role{writer, reader},
			left:  budget{Ticks: 3, Copies: 2, Crash: 1},
		},
		{Name: "the store emptied", roles: []role{two}, left: budget{Ticks: 3, Empty: 1, Crash: 1}},
		{
			long: true, Name: "the store emptied, a late swap and a reader",
			roles: []role{writer, masked1},
			left:  budget{Ticks: 3, Empty: 1, Copies: 1},
		},
		{
			long: true, Name: "an unjudged request, and the record forgotten or the store emptied",
			roles: []role{post, writer},
			left:  budget{Ticks: 3, Empty: 1, Forget: 1, Crash: 1, Lost: 1},
		},
		{
			long: true, Name: "the record forgotten",
			roles: []role{writer, readers},
			left:  budget{Ticks: 2, Forget: 1, Copies: 1, Crash: 1},
		},
		{
			Name:  "the record forgotten, and tags that come back",
			roles: []role{two}, collide: 1,
			left: budget{Ticks: 2, Forget: 1, Crash: 1},
		},
		{
			Name:  "tags that come back",
			roles: []role{two, reader}, collide: 1,
			left: budget{Ticks: 2, Doubt: 1},
		},
		{
			Name:  "tags that come back after two states",
			roles: []role{three}, collide: 2,
			left: budget{Ticks: 2, Doubt: 1, Crash: 1},
		},
		{
			long: true, Name: "a replica dies and leases run out",
			roles: []role{two, reader},
			left:  budget{Ticks: 4, Crash: 1},
		},
		{
			Name:  "creations and deletions",
			roles: []role{creator, deleter}, absent: true,
			left: budget{Ticks: 2, Crash: 1},
		},
		{
			Name:  "a deletion and a creation",
			roles: []role{deleter, {kind: isWriter, name: "C", reps: 1, creates: true}, masked},
			left:  budget{Ticks: 2, Crash: 1},
		},
		{
			Name:  "answers to writes that show validators",
			roles: []role{answered, writer},
			left:  budget{Ticks: 2, Doubt: 1},
		},
		{
			Name:  "masks, and tags that come back",
			roles: []role{two, masked}, collide: 1,
			left: budget{Ticks: 2, Crash: 1},
		},
		{
			Name:  "a mask, an unjudged request and tags that come back",
			roles: []role{writer, post, masked1}, collide: 1,
			left: budget{Ticks: 2},
		},
		{Name: "reads that lag", roles: []role{two, {kind: isReader, name: "R", reps: 2}}, lag: true, left: budget{Ticks: 3, Crash: 1}},
		{
			long: true, Name: "somebody writes past the fleet",
			roles: []role{two, reader},
			left:  budget{Ticks: 2, Tamper: 1, Doubt: 1},
		},
		{
			Name:  "probes without a validator",
			roles: []role{{kind: isWriter, name: "W", reps: 1, bare: true, masked: true, count: 2}, masked1},
			left:  budget{Ticks: 2, Doubt: 1},
		},
		{
			Name:  "writers that probe early",
			roles: []role{{kind: isWriter, name: "W", reps: 1, eager: true, count: 2}, reader},
			left:  budget{Ticks: 2, Crash: 1, Doubt: 1},
		},
		{
			Name:  "creators that probe early",
			roles: []role{{kind: isWriter, name: "C", reps: 1, eager: true, creates: true, count: 2}, post}, absent: true,
			left: budget{Ticks: 2, Crash: 1, Doubt: 1},
		},
		{
			long: true, Name: "a creator and two unjudged requests, and all time",
			roles: []role{{kind: isWriter, name: "C", reps: 1, creates: true}, {kind: isPoster, name: "P", count: 2}}, absent: true,
			left: budget{Ticks: 4},
		},
		{
			// Its replica extends the mark, but the store does not take that. If the replica then dies as well, nothing moves the
			// record any more, and the promise does not hold.
			Name:  "an unjudged request that outlasts its mark",
			roles: []role{writer, {kind: isPoster, name: "P", slow: true}, reader},
			left:  budget{Ticks: 3},
		},
		{
			Name:  "more representations than a record has room for, and tags that come back",
			roles: []role{{kind: isWriter, name: "W", reps: 2, count: 2}, {kind: isReader, name: "R", reps: 2}}, collide: 1, room: 1,
			left: budget{Ticks: 2, Refuse: 1, Doubt: 1},
		},
		{
			Name:  "more representations than a record has room for, a mask and a crash",
			roles: []role{{kind: isWriter, name: "W", reps: 2, count: 2}, {kind: isReader, name: "R", reps: 2, masked: true}}, room: 1,
			left: budget{Ticks: 2, Crash: 1},
		},
		{
			Name:  "more representations than a record has room for, and equal tags mean equal content",
			roles: []role{{kind: isWriter, name: "W", reps: 2, count: 2}, {kind: isReader, name: "R", reps: 2}}, collide: 1, room: 1, qualify: QualifyNever,
			left: budget{Ticks: 2, Refuse: 1},
		},
		{
			Name:  "equal tags mean equal content",
			roles: []role{two, reader}, collide: 1, qualify: QualifyNever,
			left: budget{Ticks: 2, Crash: 1},
		},
	}
}
