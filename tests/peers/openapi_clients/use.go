// Uses the client that openapi-generator made of the API's document.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"example.com/cadence/client"
)

func answer[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	url, token, runID := os.Args[1], os.Args[2], os.Args[3]
	settings := cadence.NewConfiguration()
	settings.Servers[0].URL = url
	client := cadence.NewAPIClient(settings)
	background := context.WithValue(context.Background(), cadence.ContextAccessToken, token)

	runs, _, err := client.RunsAPI.ListRuns(background).Limit(1).Execute()
	newest := len(answer(runs, err).Items)
	run, _, err := client.RunsAPI.ShowRun(background, runID).Execute()
	states := []string{}
	for _, one := range answer(run, err).Treatments {
		states = append(states, string(one.State))
	}
	treatment, _, err := client.TreatmentsAPI.ShowTreatment(background, runID, "greet").Execute()
	outputs := []string{}
	for _, one := range answer(treatment, err).Outputs {
		outputs = append(outputs, one.Port)
	}
	pools, _, err := client.PoolsAPI.ListPools(background).Execute()
	names := []string{}
	for _, one := range answer(pools, err).Items {
		names = append(names, one.Name)
	}
	_, refused, _ := client.RunsAPI.ShowRun(background, strings.Repeat("0", 26)).Execute()
	fmt.Println(string(answer(json.Marshal(map[string]any{
		"newest": newest, "states": states, "outputs": outputs, "pools": names, "refused": refused.StatusCode,
	}))))
}
