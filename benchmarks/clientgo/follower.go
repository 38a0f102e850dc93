package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// follower is an informer: of pods, by the typed factory; of custom resources, by the dynamic one.
type follower struct {
	informer      cache.SharedIndexInformer
	registrations []cache.ResourceEventHandlerRegistration
	begin         func(stop <-chan struct{})
}

func newFollower(wanted settings, bell *bell) (follower, error) {
	config := &rest.Config{Host: wanted.URL, QPS: 1000, Burst: 1000}
	config.ContentType, config.AcceptContentTypes = "application/json", "application/json"
	if has(wanted.Variant, "protobuf") {
		config.ContentType = "application/vnd.kubernetes.protobuf"
		config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	}
	var made follower
	if wanted.Path == "/api/v1/pods" {
		clientset, err := kubernetes.NewForConfig(config)
		if err != nil {
			return made, err
		}
		factory := informers.NewSharedInformerFactory(clientset, 0)
		made.informer, made.begin = factory.Core().V1().Pods().Informer(), factory.Start
	} else {
		client, err := dynamic.NewForConfig(config)
		if err != nil {
			return made, err
		}
		parts := strings.Split(strings.TrimPrefix(wanted.Path, "/apis/"), "/")
		if len(parts) != 3 {
			return made, fmt.Errorf("%s is no path of a custom resource", wanted.Path)
		}
		factory := dynamicinformer.NewDynamicSharedInformerFactory(client, 0)
		resource := schema.GroupVersionResource{Group: parts[0], Version: parts[1], Resource: parts[2]}
		made.informer, made.begin = factory.ForResource(resource).Informer(), factory.Start
	}
	if has(wanted.Variant, "drop") {
		if err := made.informer.SetTransform(dropManagedFields); err != nil {
			return made, err
		}
	}
	for range wanted.Handlers {
		registration, err := made.informer.AddEventHandler(handler(wanted.Handler, bell))
		if err != nil {
			return made, err
		}
		made.registrations = append(made.registrations, registration)
	}
	return made, nil
}

func dropManagedFields(object any) (any, error) {
	switch object := object.(type) {
	case *corev1.Pod:
		object.ManagedFields = nil
	case *unstructured.Unstructured:
		object.SetManagedFields(nil)
	}
	return object, nil
}

// handler notes the key, as handlers of controllers do. Here objects are typed before anybody reads them: "read" looks
// at the same fields as contenders/reading.py.
func handler(kind string, bell *bell) cache.ResourceEventHandler {
	note := func(object any) {
		if pod, typed := object.(*corev1.Pod); typed && kind == "read" {
			readPod(pod)
		}
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object); err == nil {
			bell.seen(key)
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc: note, UpdateFunc: func(_, object any) { note(object) }, DeleteFunc: note,
	}
}

var read int

func readPod(pod *corev1.Pod) {
	read += len(pod.Name) + len(pod.Namespace) + len(pod.UID) + len(pod.Labels) + len(pod.Annotations) + len(pod.OwnerReferences)
	read += len(pod.Spec.NodeName) + len(pod.Spec.ServiceAccountName) + len(pod.Status.Phase) + len(pod.Status.PodIP)
	for i := range pod.Spec.Containers {
		container := &pod.Spec.Containers[i]
		read += len(container.Name) + len(container.Image) + len(container.Args) + len(container.Resources.Requests)
		for _, variable := range container.Env {
			read += len(variable.Name) + len(variable.Value)
		}
		for _, mount := range container.VolumeMounts {
			read += len(mount.MountPath)
		}
	}
	for _, condition := range pod.Status.Conditions {
		read += len(condition.Type) + len(condition.Status) + condition.LastTransitionTime.Second()
	}
	for _, status := range pod.Status.ContainerStatuses {
		read += len(status.Name) + int(status.RestartCount)
	}
}

func (f follower) start() { f.begin(context.Background().Done()) }

func (f follower) synced() bool {
	for _, registration := range f.registrations {
		if !registration.HasSynced() {
			return false
		}
	}
	return f.informer.HasSynced()
}

func (f follower) waitSynced(timeout time.Duration) error {
	for deadline := time.Now().Add(timeout); !f.synced(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("not synced within %s", timeout)
		}
	}
	return nil
}

func (f follower) count() int { return len(f.informer.GetStore().ListKeys()) }

func (f follower) version(key string) string {
	found, there, err := f.informer.GetStore().GetByKey(key)
	if err != nil || !there {
		return ""
	}
	object, err := meta.Accessor(found)
	if err != nil {
		return ""
	}
	return object.GetResourceVersion()
}
