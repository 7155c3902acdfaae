// A vCenter for tests: govmomi's simulator with a door through which a test makes it refuse, fail or be slow.
//
// It prints its URL as one line and ends when standard input is closed.
package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strconv"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// trouble is what a test asks for: a fault of one SOAP method, or an answer of the web server before it.
type trouble struct {
	Clear    bool           `json:"clear"`
	Method   string         `json:"method"`
	Fault    string         `json:"fault"` // a fault type of the vSphere API, such as NoPermission
	Message  string         `json:"message"`
	Property map[string]any `json:"property"`
	Status   int            `json:"status"`
	After    int            `json:"retry_after"`
	Delay    int            `json:"delay_ms"`
	Times    int            `json:"times"` // 0: until cleared
	Lose     string         `json:"lose"`  // the next call of this method is carried out, and its answer is lost
}

type door struct {
	inner  http.Handler
	faults *simulator.FaultInjector
	mutex  sync.Mutex
	next   trouble
	lose   string
	turn   sync.Mutex // held until all that a call began is done: the simulator touches machines that are half made
	clones *clones
	all    *simulator.Registry
}

func (d *door) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	if request.URL.Path == "/trouble" {
		d.change(answer, request)
		return
	}
	if d.loses(request) {
		d.answer(httptest.NewRecorder(), request)
		panic(http.ErrAbortHandler)
	}
	now, active := d.take()
	if active {
		time.Sleep(time.Duration(now.Delay) * time.Millisecond)
		if now.Status != 0 {
			if now.After != 0 {
				answer.Header().Set("Retry-After", strconv.Itoa(now.After))
			}
			http.Error(answer, now.Message, now.Status)
			return
		}
	}
	d.answer(answer, request)
}

func (d *door) answer(answer http.ResponseWriter, request *http.Request) {
	d.turn.Lock()
	defer d.turn.Unlock()
	d.inner.ServeHTTP(answer, request)
	d.wait()
	d.clones.finish(d.all)
	d.wait()
}

func (d *door) wait() {
	for _, task := range d.all.AllReference("Task") {
		task.(*simulator.Task).Wait()
	}
}

func (d *door) take() (trouble, bool) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.next.Status == 0 && d.next.Delay == 0 {
		return trouble{}, false
	}
	now := d.next
	if now.Times > 0 {
		d.next.Times--
		if d.next.Times == 0 {
			d.next = trouble{}
		}
	}
	return now, true
}

func (d *door) loses(request *http.Request) bool {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.lose == "" {
		return false
	}
	body, err := io.ReadAll(request.Body)
	request.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil || !bytes.Contains(body, []byte("<"+d.lose)) {
		return false
	}
	d.lose = ""
	return true
}

func (d *door) change(answer http.ResponseWriter, request *http.Request) {
	var wanted trouble
	if err := json.NewDecoder(request.Body).Decode(&wanted); err != nil {
		http.Error(answer, err.Error(), http.StatusBadRequest)
		return
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	switch {
	case wanted.Clear:
		d.next, d.lose = trouble{}, ""
		d.faults.ClearRules()
	case wanted.Lose != "":
		d.lose = wanted.Lose
	case wanted.Method != "":
		fault, err := faultNamed(wanted.Fault, wanted.Property)
		if err != nil {
			http.Error(answer, err.Error(), http.StatusBadRequest)
			return
		}
		d.faults.AddRule(&simulator.FaultInjectionRule{
			MethodName: wanted.Method, ObjectType: "*", ObjectName: "*", Probability: 1, Enabled: true,
			FaultType: simulator.FaultTypeCustom, Fault: fault, Message: wanted.Message, MaxCount: wanted.Times,
		})
	default:
		d.next = wanted
	}
}

// clones gives each clone the settings that the request had for it and switches it on, as a vCenter does; the simulator
// does neither.
// A clone is found by its name, once it is made.
type clones struct{ asked sync.Map }

type clone struct {
	ctx  simulator.Context // events name who caused them
	spec types.VirtualMachineCloneSpec
}

func (c *clones) note(ctx *simulator.Context, method *simulator.Method) (mo.Reference, types.BaseMethodFault) {
	if request, fits := method.Body.(*types.CloneVM_Task); fits && request.Spec.Config != nil && ctx.Session != nil {
		c.asked.Store(request.Name, clone{*ctx, request.Spec})
	}
	return nil, nil
}

func (c *clones) finish(all *simulator.Registry) {
	for _, entity := range all.All("VirtualMachine") {
		machine := entity.(*simulator.VirtualMachine)
		asked, known := c.asked.LoadAndDelete(machine.Name)
		if !known {
			continue
		}
		wanted := asked.(clone)
		config := wanted.spec.Config
		machine.Config.ExtraConfig = append(machine.Config.ExtraConfig, config.ExtraConfig...)
		machine.Config.Annotation = config.Annotation
		if config.NumCPUs > 0 {
			machine.Config.Hardware.NumCPU = config.NumCPUs
		}
		if config.MemoryMB > 0 {
			machine.Config.Hardware.MemoryMB = int32(config.MemoryMB)
		}
		if wanted.spec.PowerOn {
			machine.PowerOnVMTask(&wanted.ctx, &types.PowerOnVM_Task{This: machine.Self})
		}
	}
}

func faultNamed(name string, properties map[string]any) (types.BaseMethodFault, error) {
	kind, known := types.TypeFunc()("vim25:" + name)
	if !known {
		if kind, known = types.TypeFunc()(name); !known {
			return nil, fmt.Errorf("the API has no fault %s", name)
		}
	}
	value := reflect.New(kind).Interface()
	text, err := json.Marshal(properties)
	if err == nil && properties != nil {
		err = json.Unmarshal(text, value)
	}
	if err != nil {
		return nil, err
	}
	fault, fits := value.(types.BaseMethodFault)
	if !fits {
		return nil, fmt.Errorf("%s is no fault of a method", name)
	}
	return fault, nil
}

func main() {
	model := simulator.VPX()
	model.Machine = 1
	if err := model.Create(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer model.Remove()
	made := new(clones)
	model.Map().Handler = made.note
	model.Service.TLS = new(tls.Config)
	server := model.Service.NewServer()
	defer server.Close()
	server.Config.Handler = &door{
		inner: server.Config.Handler, faults: model.Service.FaultInjector(), clones: made, all: model.Map(),
	}
	fmt.Println(server.URL.Host)
	_, _ = io.Copy(io.Discard, os.Stdin)
}
