package ifmatch_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	ifmatch "proxy409/examples/clients/go"
	"proxy409/examples/legacy"
)

func Example() {
	// In place of the proxy, so that the example can be run. This API shows ETags, and looks at no If-Match.
	api := httptest.NewServer(legacy.New(legacy.Options{}))
	defer api.Close()
	ctx, item := context.Background(), api.URL+"/items/1"

	client := &http.Client{Transport: &ifmatch.Transport{}}
	err := ifmatch.Update(ctx, client, item, 5, func(item *map[string]any) error {
		(*item)["title"] = fmt.Sprint((*item)["title"], ", final") // called again with the new one, if others have saved
		return nil
	})
	if err != nil {
		fmt.Println("not saved:", err) // a *ifmatch.Refused, if it was a conflict to the end
	}

	var saved map[string]any
	_ = ifmatch.Update(ctx, client, item, 1, func(item *map[string]any) error { saved = *item; return nil })
	fmt.Println(saved["title"])
	// Output: Quarterly report, final
}
