// Writes the JSON Schemas of what GitLab's own Go client sends and reads, for the double in tests/doubles/gitlab.py.
package main

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go"
)

var moment = reflect.TypeOf(time.Time{})

type schema = map[string]any

// seen are the structs that a value is within: a type that holds itself may hold anything there.
func described(kind reflect.Type, tag string, seen map[reflect.Type]bool) schema {
	if kind == moment {
		return schema{"type": "string", "format": "date-time"}
	}
	switch kind.Kind() {
	case reflect.Pointer:
		return schema{"anyOf": []schema{{"type": "null"}, described(kind.Elem(), tag, seen)}}
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.String:
		return schema{"type": []string{"string", "null"}}
	case reflect.Float32, reflect.Float64:
		return schema{"type": []string{"number", "null"}}
	case reflect.Slice, reflect.Array:
		return schema{"type": []string{"array", "null"}, "items": described(kind.Elem(), tag, seen)}
	case reflect.Map:
		return schema{"type": "object"}
	case reflect.Struct:
		if seen[kind] {
			return schema{}
		}
		seen[kind] = true
		defer delete(seen, kind)
		properties := schema{}
		fields(kind, tag, seen, properties)
		return schema{"type": "object", "properties": properties, "additionalProperties": false}
	case reflect.Interface:
		return schema{}
	}
	return schema{"type": []string{"integer", "null"}}
}

func fields(kind reflect.Type, tag string, seen map[reflect.Type]bool, properties schema) {
	for index := range kind.NumField() {
		field := kind.Field(index)
		name, _, _ := strings.Cut(field.Tag.Get(tag), ",")
		if field.Anonymous && name == "" {
			fields(field.Type, tag, seen, properties)
		} else if name != "" && name != "-" {
			properties[name] = described(field.Type, tag, seen)
		}
	}
}

func main() {
	schemas := schema{}
	for name, value := range map[string]any{
		"AddProjectHook":         gitlab.AddProjectHookOptions{},
		"Branch":                 gitlab.Branch{},
		"Commit":                 gitlab.Commit{},
		"CreateMergeRequestNote": gitlab.CreateMergeRequestNoteOptions{},
		"CreatePipeline":         gitlab.CreatePipelineOptions{},
		"EditProjectHook":        gitlab.EditProjectHookOptions{},
		"Job":                    gitlab.Job{},
		"MergeRequest":           gitlab.BasicMergeRequest{},
		"Note":                   gitlab.Note{},
		"Pipeline":               gitlab.Pipeline{},
		"PipelineInfo":           gitlab.PipelineInfo{},
		"Project":                gitlab.Project{},
		"ProjectHook":            gitlab.ProjectHook{},
		"ProjectMember":          gitlab.ProjectMember{},
		"SetCommitStatus":        gitlab.SetCommitStatusOptions{},
		"UpdateMergeRequestNote": gitlab.UpdateMergeRequestNoteOptions{},
	} {
		schemas[name] = described(reflect.TypeOf(value), "json", map[reflect.Type]bool{})
	}
	for name, value := range map[string]any{
		"ListBranches":          gitlab.ListBranchesOptions{},
		"ListMergeRequestNotes": gitlab.ListMergeRequestNotesOptions{},
		"ListMergeRequests":     gitlab.ListProjectMergeRequestsOptions{},
		"ListPipelines":         gitlab.ListProjectPipelinesOptions{},
		"ListProjectHooks":      gitlab.ListProjectHooksOptions{},
	} {
		schemas[name] = described(reflect.TypeOf(value), "url", map[reflect.Type]bool{})
	}
	if err := json.NewEncoder(os.Stdout).Encode(schemas); err != nil {
		panic(err)
	}
}
