// No call is interposed in a build with a sanitizer; why_unsupported() says so.
namespace workit::preempt {}
